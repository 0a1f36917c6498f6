// SPDX-License-Identifier: MIT
#include "links/webhook.h"

#include <gtest/gtest.h>

#include "links/peer.h"
#include "links/peer_for_test.h"
#include "links/standard_webhooks.h"

namespace baton::links {
namespace {

using model::ErrorClass;
using Kind = Outcome::Kind;

model::LinkProfile profile() {
  model::LinkProfile p = profile_of(model::LinkKind::webhook, "https://ci/hook?x=1");
  p.secrets = {{"new"}, {"old"}};
  return p;
}

Outcome deliver(TestHttp& http, const model::LinkProfile& p = profile()) {
  return find_adapter(model::LinkKind::webhook, "")(failed_message_of("", "{}"), p, http);
}
Outcome deliver(int status, net::Headers headers = {}) {
  TestHttp http({answer(status, "", std::move(headers))});
  return deliver(http);
}

TEST(WebhookOut, posts_the_gate_and_signs_it) {
  TestHttp http({answer(204), answer(204)});
  EXPECT_EQ(deliver(http).kind, Kind::delivered);
  const net::HttpRequest request = http.sent[0];
  EXPECT_EQ(http.calls()[0], "POST https://ci/hook?x=1");
  EXPECT_EQ(request.headers.get("Content-Type"), "application/json");
  EXPECT_EQ(*verify_webhook(request.headers, {{"old"}}, kTestNow, request.body), "dlv_1");
  const Json body(request.body);
  EXPECT_EQ(body.text("type"), "gate.decided");
  EXPECT_EQ(body.text("timestamp"), "2023-11-14T22:13:19.000Z");
  EXPECT_EQ(body.object("data").text("id"), "gate_1");
  EXPECT_EQ(body.object("data").text("verdict"), "failed");
  EXPECT_EQ(body.object("data").object("links").text("junit"),
            "https://baton/api/v1/gates/gate_1/junit.xml");
  deliver(http);
  EXPECT_EQ(http.sent[1].body, request.body);  // an attempt differs in its time alone
}

TEST(WebhookOut, can_be_a_cloud_event) {
  TestHttp http({answer(202)});
  model::LinkProfile bus = profile();
  bus.cloudevents = true;
  bus.token = {"t0ken"};
  EXPECT_EQ(deliver(http, bus).kind, Kind::delivered);
  const net::HttpRequest request = http.sent[0];
  EXPECT_EQ(request.headers.get("Content-Type"), "application/cloudevents+json");
  EXPECT_EQ(request.headers.get("Authorization"), "Bearer t0ken");
  const Json event(request.body);
  EXPECT_EQ(event.text("specversion"), "1.0");
  EXPECT_EQ(event.text("id"), "dlv_1");
  EXPECT_EQ(event.text("source"), "https://baton");
  EXPECT_EQ(event.text("type"), "dev.cdevents.testsuiterun.finished.0.3.0");
  EXPECT_EQ(event.text("subject"), "gate_1");
  const Json data = event.object("data");
  EXPECT_EQ(data.object("subject").object("content").text("outcome"), "failure");
  const auto environment = data.object("subject").object("content").object("environment");
  EXPECT_EQ(environment.text("id"), "default");
  EXPECT_EQ(environment.text("source"), data.object("subject").text("source"));
  EXPECT_EQ(data.object("customData").text("verdict"), "failed");
}

TEST(WebhookOut, can_be_a_cloud_event_in_binary_mode) {
  TestHttp http({answer(202)});
  model::LinkProfile bus = profile();
  bus.cloudevents = bus.binary = true;
  Message message = failed_message_of("", "{}");
  message.urls.gate = "https://b\xC3\xA4ton/a b/100%\"/api/v1/gates/gate_1";
  EXPECT_EQ(find_adapter(model::LinkKind::webhook, "")(message, bus, http).kind, Kind::delivered);
  const net::HttpRequest request = http.sent[0];
  EXPECT_EQ(request.headers.get("Content-Type"), "application/json");
  EXPECT_EQ(request.headers.get("ce-specversion"), "1.0");
  EXPECT_EQ(request.headers.get("ce-id"), "dlv_1");
  EXPECT_EQ(request.headers.get("ce-source"), "https://b%C3%A4ton/a%20b/100%25%22");
  EXPECT_EQ(request.headers.get("ce-type"), "dev.cdevents.testsuiterun.finished.0.3.0");
  EXPECT_EQ(request.headers.get("ce-subject"), "gate_1");
  EXPECT_EQ(request.headers.get("ce-time"), "2023-11-14T22:13:19.000Z");
  EXPECT_EQ(request.headers.find("ce-datacontenttype"), nullptr);
  EXPECT_TRUE(verify_webhook(request.headers, {{"new"}}, kTestNow, request.body));
  const Json data(request.body);
  EXPECT_EQ(data.object("subject").object("content").text("outcome"), "failure");
  EXPECT_EQ(data.object("context").text("source"), "https://b\xC3\xA4ton/a b/100%\"");
}

TEST(WebhookOut, a_receiver_may_slow_us_down_or_end_it) {
  EXPECT_EQ(deliver(410).error_class, ErrorClass::peer_gone);
  for (const int status : {429, 502, 504}) {
    const Outcome outcome = deliver(status, {{"Retry-After", "7"}});
    EXPECT_EQ(outcome.kind, Kind::again);
    EXPECT_EQ(outcome.error_class, ErrorClass::throttled);
    EXPECT_EQ(outcome.after, std::chrono::seconds{7});
  }
  EXPECT_EQ(deliver(500).error_class, ErrorClass::transient);
  EXPECT_EQ(deliver(400).error_class, ErrorClass::rejected);
}

TEST(WebhookOut, has_no_operations_nor_fields) {
  EXPECT_TRUE(check_target(model::LinkKind::webhook, {.link = "webhook/ci", .op = {}}));
  EXPECT_FALSE(check_target(model::LinkKind::webhook, {.link = "webhook/ci", .op = "comment"}));
}

Result<Inbound> read(std::string body, Duration later = Duration{0}, std::string defaults = "{}") {
  net::Request request;
  request.body = std::move(body);
  model::LinkProfile p = profile();
  p.defaults = std::move(defaults);
  sign_webhook(request.headers, {{"old"}}, "msg_7", kTestNow, request.body);
  return read_inbound({request, p, kTestNow + later});
}

TEST(WebhookIn, opens_a_gate_that_answers_to_the_links_address) {
  const auto inbound = read(
      R"({"type":"deploy.waits","timestamp":"2026-01-01T00:00:00Z","data":{"name":"shop",
          "subject":{"external":true},"timeout":"5m"}})");
  ASSERT_TRUE(inbound) << inbound.error().message;
  const auto& opening = std::get<OpenGate>(*inbound);
  EXPECT_EQ(opening.ident, "msg_7");
  EXPECT_EQ(opening.form, AnswerForm::gate);
  EXPECT_EQ(opening.request.name, "shop");
  ASSERT_EQ(opening.request.deliver.size(), 1U);
  EXPECT_EQ(opening.request.deliver[0].link, "webhook/main");
  EXPECT_EQ(opening.request.deliver[0].op, "");
}

TEST(WebhookIn, takes_the_fields_without_an_envelope_too) {
  const auto inbound = read(R"({"tag":"build=42"})", Duration{0},
                            R"({"subject":{"testkube":{"profile":"tk"}},"timeout":"2h"})");
  ASSERT_TRUE(inbound) << inbound.error().message;
  EXPECT_EQ(std::get<OpenGate>(*inbound).request.subject.testkube.tag, "build=42");
}

TEST(WebhookIn, refuses_what_is_unproved_or_no_gate) {
  EXPECT_EQ(read("{}", std::chrono::minutes{6}).error().code, Code::unauthenticated);
  EXPECT_EQ(read("{").error().code, Code::invalid);
  EXPECT_EQ(read(R"({"data":7})").error().code, Code::invalid);
  EXPECT_EQ(read(R"({"data":{"deliver":[]}})").error().code, Code::invalid);
  net::Request unsigned_call;
  unsigned_call.body = "{}";
  EXPECT_EQ(read_inbound({unsigned_call, profile(), kTestNow}).error().code, Code::unauthenticated);
  EXPECT_TRUE(is_signed(model::LinkKind::webhook));
}

}  // namespace
}  // namespace baton::links
