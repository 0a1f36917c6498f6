// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "base/text.h"
#include "links/cloudevents.h"
#include "links/peer_for_test.h"

namespace baton::links {
namespace {

using model::GateVerdict;
using model::LinkKind;

Result<Inbound> read(LinkKind kind, const net::Request& request, std::string defaults = "{}") {
  model::LinkProfile profile = profile_of(kind, "");
  profile.defaults = std::move(defaults);
  return read_inbound({request, profile, kTestNow});
}
Result<Inbound> read(LinkKind kind, std::string body, std::string defaults = "{}") {
  net::Request request;
  request.body = std::move(body);
  return read(kind, request, std::move(defaults));
}
std::string canary(std::string_view metadata) {
  return fmt::format(R"({{"name":"podinfo","namespace":"test","phase":"Progressing",)"
                     R"("checksum":"85d557f47b","metadata":{}}})",
                     metadata);
}

TEST(Flagger, opens_one_gate_for_each_revision_of_a_canary) {
  const auto inbound = read(LinkKind::flagger, canary(R"({"tag":"build=42","timeout":"5m",
      "labels":"{\"team\":\"pay\"}"})"),
                            R"({"subject":{"testkube":{"profile":"tk"}}})");
  ASSERT_TRUE(inbound) << inbound.error().message;
  const auto& opening = std::get<OpenGate>(*inbound);
  EXPECT_EQ(opening.ident, "test/podinfo/85d557f47b");
  EXPECT_EQ(opening.form, AnswerForm::flagger);
  EXPECT_EQ(opening.request.name, "test/podinfo");
  EXPECT_EQ(opening.request.subject.testkube.tag, "build=42");
  EXPECT_EQ(opening.request.labels.at("team"), "pay");
  EXPECT_EQ(opening.request.labels.at("canary"), "test/podinfo");
  EXPECT_TRUE(opening.request.deliver.empty());
}

TEST(Flagger, takes_metadata_as_texts_or_as_json) {
  for (const char* metadata :
       {R"({"subject":"{\"suite\":\"pay/shop\"}"})", R"({"subject":{"suite":"pay/shop"}})"}) {
    const auto inbound = read(LinkKind::flagger, canary(metadata));
    ASSERT_TRUE(inbound) << inbound.error().message;
    EXPECT_EQ(std::get<OpenGate>(*inbound).request.subject.suite.suite, "pay/shop");
  }
  EXPECT_EQ(read(LinkKind::flagger, canary(R"({"subject":"{broken"})")).error().code,
            Code::invalid);
  EXPECT_EQ(read(LinkKind::flagger, canary(R"({"color":"red"})")).error().code, Code::invalid);
}

TEST(Flagger, what_is_malformed_opens_no_gate) {
  for (const char* metadata : {R"("x")", "[]", "7"})
    EXPECT_EQ(read(LinkKind::flagger, canary(metadata)).error().code, Code::invalid) << metadata;
  EXPECT_EQ(
      read(LinkKind::flagger, R"({"name":5,"namespace":"n","checksum":"c"})").error().code,
      Code::invalid);
  EXPECT_TRUE(read(LinkKind::flagger, canary("null")));
}

TEST(Flagger, a_rollback_asks_the_same_gate_the_other_way_round) {
  const auto confirm = read(LinkKind::flagger, canary("{}"));
  const auto rollback = read(LinkKind::flagger, canary(R"({"type":"rollback"})"));
  ASSERT_TRUE(confirm && rollback);
  EXPECT_EQ(std::get<OpenGate>(*rollback).form, AnswerForm::rollback);
  EXPECT_EQ(std::get<OpenGate>(*rollback).ident, std::get<OpenGate>(*confirm).ident);
  const auto named = read(LinkKind::flagger, canary(R"({"name":"load","type":"pre-rollout"})"));
  EXPECT_EQ(std::get<OpenGate>(*named).ident, "test/podinfo/85d557f47b/load");
  EXPECT_EQ(std::get<OpenGate>(*named).form, AnswerForm::flagger);
}

TEST(Flagger, events_are_no_questions) {
  const auto inbound = read(
      LinkKind::flagger,
      canary(
          R"({"eventMessage":"New revision","eventType":"Normal","timestamp":"1578607635167"})"));
  EXPECT_TRUE(std::holds_alternative<Ignored>(*inbound));
  EXPECT_EQ(read(LinkKind::flagger, R"({"name":"x","namespace":"y"})").error().code, Code::invalid);
  EXPECT_EQ(read(LinkKind::flagger, "[]").error().code, Code::invalid);
}

TEST(Argo, fields_are_in_the_query_or_in_the_body) {
  net::Request request;
  request.query = {{"name", "shop@1.2"}, {"subject", R"({"suite":"pay/shop"})"}, {"wait", "8s"}};
  const auto inbound = read(LinkKind::argo, request);
  ASSERT_TRUE(inbound) << inbound.error().message;
  const auto& opening = std::get<OpenGate>(*inbound);
  EXPECT_EQ(opening.ident, "shop@1.2");
  EXPECT_EQ(opening.form, AnswerForm::argo);
  EXPECT_EQ(opening.request.subject.suite.suite, "pay/shop");
  request.body = R"({"key":"shop","timeout":"10m"})";
  EXPECT_EQ(std::get<OpenGate>(*read(LinkKind::argo, request)).ident, "shop");
  request.body = R"({"name":"other"})";
  EXPECT_EQ(read(LinkKind::argo, request).error().code, Code::invalid);
}

TEST(Argo, the_next_measurement_must_find_the_gate) {
  net::Request request;
  EXPECT_EQ(read(LinkKind::argo, request, R"({"name":"default"})").error().code, Code::invalid);
  request.query = {{"name", "a"}, {"name", "b"}};
  EXPECT_EQ(read(LinkKind::argo, request).error().code, Code::invalid);
}

net::Request binary(std::string type, std::string body) {
  net::Request request;
  request.headers = {{"ce-specversion", "1.0"},
                     {"ce-id", "e-1"},
                     {"ce-source", "/ci/%C3%A4"},
                     {"ce-type", std::move(type)},
                     {"Content-Type", "application/json"}};
  request.body = std::move(body);
  return request;
}
net::Request structured(std::string body) {
  net::Request request;
  request.headers = {{"Content-Type", "application/cloudevents+json; charset=UTF-8"}};
  request.body = std::move(body);
  return request;
}
std::string finished(std::string_view outcome) {
  return fmt::format(R"({{"context":{{"id":"e-1"}},"subject":{{"id":"gate_1","source":"/x",)"
                     R"("content":{{"outcome":"{}","reason":"3 failed","uri":"https://ci/7"}}}}}})",
                     outcome);
}
Result<Inbound> read(const net::Request& request) { return read(LinkKind::cloudevents, request); }

TEST(CloudEvents, a_finished_test_brings_the_verdict_of_the_gate_it_names) {
  const auto verdict = [](std::string_view outcome) {
    const auto inbound =
        read(binary("dev.cdevents.testsuiterun.finished.0.3.0", finished(outcome)));
    return inbound ? std::get<BringVerdict>(*inbound).verdict : GateVerdict::none;
  };
  EXPECT_EQ(verdict("success"), GateVerdict::passed);
  EXPECT_EQ(verdict("pass"), GateVerdict::passed);
  EXPECT_EQ(verdict("failure"), GateVerdict::failed);
  EXPECT_EQ(verdict("fail"), GateVerdict::failed);
  EXPECT_EQ(verdict("cancel"), GateVerdict::cancelled);
  EXPECT_EQ(verdict("error"), GateVerdict::errored);
  EXPECT_EQ(verdict("great"), GateVerdict::none);
  const auto inbound = read(structured(R"({"specversion":"1.0","id":"1","source":"/ci","data":)" +
                                       finished("success") +
                                       R"(,"type":"dev.cdevents.testcaserun.finished.0.1.0"})"));
  ASSERT_TRUE(inbound) << inbound.error().message;
  const auto& brought = std::get<BringVerdict>(*inbound);
  EXPECT_EQ(brought.gate, "gate_1");
  EXPECT_EQ(brought.reason, "3 failed");
  EXPECT_EQ(brought.url, "https://ci/7");
}

TEST(CloudEvents, the_fields_of_a_gate_open_one_for_each_source_and_id) {
  const auto inbound = read(binary("com.acme.deploy", R"({"name":"shop","timeout":"5m"})"));
  ASSERT_TRUE(inbound) << inbound.error().message;
  EXPECT_EQ(std::get<OpenGate>(*inbound).ident, "/ci/\xC3\xA4 e-1");
  EXPECT_EQ(std::get<OpenGate>(*inbound).request.name, "shop");
  const auto queued = read(binary("dev.cdevents.testsuiterun.queued.0.3.0",
                                  R"({"context":{},"subject":{"id":"x"},
                                      "customData":{"subject":{"suite":"pay/shop"}}})"));
  ASSERT_TRUE(queued) << queued.error().message;
  EXPECT_EQ(std::get<OpenGate>(*queued).request.subject.suite.suite, "pay/shop");
  const auto encoded = read(structured(R"({"specversion":"1.0","id":"1","source":"/ci",
      "type":"x","data_base64":"eyJuYW1lIjoiYSJ9"})"));
  ASSERT_TRUE(encoded) << encoded.error().message;
  EXPECT_EQ(std::get<OpenGate>(*encoded).request.name, "a");
}

TEST(CloudEvents, what_is_no_question_is_left_alone) {
  const auto started = read(
      binary("dev.cdevents.testsuiterun.started.0.3.0", R"({"context":{},"subject":{"id":"x"}})"));
  EXPECT_TRUE(std::holds_alternative<Ignored>(*started));
  EXPECT_TRUE(std::holds_alternative<Ignored>(*read(binary("com.acme.other", ""))));
}

TEST(CloudEvents, a_profile_with_a_subject_asks_at_events_that_say_nothing_of_gates) {
  model::LinkProfile profile;
  profile.kind = LinkKind::cloudevents;
  profile.defaults = R"({"subject":{"suite":"pay/shop"}})";
  const auto read_with = [&](const net::Request& request) {
    return cloudevents::read({request, profile, {}});
  };
  for (const char* data : {"", "{}", R"({"artifact":"shop:7"})"}) {
    const auto inbound = read_with(binary("com.acme.built", data));
    ASSERT_TRUE(inbound) << inbound.error().message;
    EXPECT_EQ(std::get<OpenGate>(*inbound).request.subject.suite.suite, "pay/shop") << data;
  }
  EXPECT_TRUE(std::holds_alternative<Ignored>(*read_with(
      binary("dev.cdevents.testcaserun.queued.0.3.0", R"({"context":{},"subject":{"id":"x"}})"))));
}

net::Request batch(std::string body) {
  net::Request request;
  request.headers = {{"Content-Type", "application/cloudevents-batch+json; charset=utf-8"}};
  request.body = std::move(body);
  return request;
}

TEST(CloudEvents, a_batch_is_read_as_a_whole_or_not_at_all) {
  const std::string open = R"({"specversion":"1.0","id":"1","source":"/ci","type":"x",)"
                           R"("data":{"name":"shop"}})";
  const std::string told = R"({"specversion":"1.0","id":"2","source":"/ci","data":)" +
                           finished("success") +
                           R"(,"type":"dev.cdevents.testcaserun.finished.0.1.0"})";
  const std::string other = R"({"specversion":"1.0","id":"3","source":"/ci","type":"x"})";
  const auto inbound = read(batch("[" + open + "," + told + "," + other + "]"));
  ASSERT_TRUE(inbound) << inbound.error().message;
  const auto& parts = std::get<Batch>(*inbound).parts;
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(std::get<OpenGate>(parts[0]).ident, "/ci 1");
  EXPECT_EQ(std::get<BringVerdict>(parts[1]).gate, "gate_1");
  EXPECT_EQ(std::get<BringVerdict>(parts[1]).ident, "/ci 2");
  EXPECT_TRUE(std::holds_alternative<Ignored>(parts[2]));
  EXPECT_TRUE(std::get<Batch>(*read(batch("[]"))).parts.empty());

  const auto refused = [&](const std::string& body) {
    const auto one = read(batch(body));
    EXPECT_FALSE(one) << body;
    return one ? Error{Code::internal, ""} : one.error();
  };
  EXPECT_EQ(refused("").code, Code::invalid);
  EXPECT_EQ(refused(open).code, Code::invalid);
  EXPECT_EQ(refused("[" + open + "," + open).code, Code::invalid);
  EXPECT_EQ(refused("[" + open + ",7]").code, Code::invalid);
  const Error second = refused("[" + open + R"(,{"specversion":"1.0","id":"2","type":"x"}])");
  EXPECT_EQ(second.code, Code::invalid);
  EXPECT_TRUE(second.message.starts_with("event 2: ")) << second.message;
  std::string many = "[" + open;
  for (int i = 0; i < 500; ++i) many += "," + open;
  EXPECT_EQ(refused(many + "]").code, Code::too_large);
}

TEST(CloudEvents, refuses_what_is_no_event) {
  net::Request avro = batch("[]");
  avro.headers.set("Content-Type", "application/cloudevents+avro");
  EXPECT_EQ(read(avro).error().code, Code::unprocessable);
  EXPECT_EQ(read(net::Request{}).error().code, Code::invalid);
  net::Request old = binary("x", "{}");
  old.headers.set("ce-specversion", "0.3");
  EXPECT_EQ(read(old).error().code, Code::invalid);
  EXPECT_EQ(read(structured(R"({"specversion":"1.0","id":"1","type":"x"})")).error().code,
            Code::invalid);
}

TEST(CloudEvents, a_sender_may_ask_first) {
  net::RequestHead request;
  request.method = "OPTIONS";
  EXPECT_FALSE(cloudevents::handshake(request));
  request.headers.add("WebHook-Request-Origin", "events.acme.com");
  request.headers.add("WebHook-Request-Rate", "120");
  const auto headers = cloudevents::handshake(request);
  ASSERT_TRUE(headers);
  EXPECT_EQ(headers->get("WebHook-Allowed-Origin"), "events.acme.com");
  EXPECT_EQ(headers->get("WebHook-Allowed-Rate"), "120");
}

TEST(TestkubeHook, whatever_it_says_the_execution_is_looked_at) {
  const auto execution = [](std::string body) {
    const auto inbound = read(LinkKind::testkube, std::move(body));
    const auto* look = inbound ? std::get_if<LookAgain>(&*inbound) : nullptr;
    return look == nullptr ? std::string() : look->execution;
  };
  const std::string event =
      R"({"id":"u","type":"end-testworkflow-failed","testWorkflowExecution":{"id":"64f0"}})";
  EXPECT_EQ(execution(event), "64f0");
  EXPECT_EQ(execution(R"({"text":)" + json_quote(event) + "}"), "64f0");
  EXPECT_EQ(execution(R"({"execution":"64f1"})"), "64f1");
  EXPECT_TRUE(std::holds_alternative<Ignored>(*read(LinkKind::testkube, R"({"type":"created"})")));
  EXPECT_EQ(read(LinkKind::testkube, "{").error().code, Code::invalid);
}

}  // namespace
}  // namespace baton::links
