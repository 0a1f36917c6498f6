// SPDX-License-Identifier: MIT
#include "links/jenkins.h"

#include <gtest/gtest.h>

#include "links/peer.h"
#include "links/peer_for_test.h"

namespace baton::links {
namespace {

using model::ErrorClass;
using model::LinkKind;
using Kind = Outcome::Kind;

constexpr const char* kInput = R"({"job":"pay/shop main","build":7,"id":"tests"})";
constexpr const char* kBuild = "https://jenkins/job/pay/job/shop%20main/7";
constexpr const char* kSeen = R"({"seen":1})";

model::LinkProfile profile() {
  model::LinkProfile p = profile_of(LinkKind::jenkins, "https://jenkins");
  p.user = "baton";
  p.token = {"api"};
  return p;
}

Answer waiting(std::string_view id) {
  return answer(200, fmt::format(R"([{{"id":"{}","proceedUrl":"/x"}}])", id));
}
Answer build(const char* result) {
  return answer(200, result == nullptr
                         ? std::string(R"({"building":true,"result":null})")
                         : fmt::format(R"({{"building":false,"result":"{}"}})", result));
}

Outcome input(TestHttp& http, std::string memo, bool passed = true,
              const model::LinkProfile& p = profile()) {
  Message message = passed ? message_of("input", kInput) : failed_message_of("input", kInput);
  message.delivery.memo = std::move(memo);
  return find_adapter(LinkKind::jenkins, "input")(message, p, http);
}
Outcome settled(const char* result, std::string memo, bool passed) {
  TestHttp http;
  http.on_send = [&](const net::HttpRequest& request) {
    if (request.method == "POST") return answer(404);
    return request.url.find("/wfapi/") == std::string::npos ? build(result) : waiting("Other");
  };
  return input(http, std::move(memo), passed);
}

TEST(JenkinsInput, is_seen_then_proceeded_under_its_capital_letter) {
  TestHttp look({waiting("Tests")});
  const Outcome seen = input(look, "{}");
  EXPECT_EQ(look.calls()[0], std::string("GET ") + kBuild + "/wfapi/pendingInputActions");
  EXPECT_TRUE(seen.is_progress);
  EXPECT_EQ(seen.memo, R"({"seen":1,"id":"Tests"})");
  TestHttp http({answer(200)});
  EXPECT_EQ(input(http, seen.memo).kind, Kind::delivered);
  EXPECT_EQ(http.calls(), (std::vector<std::string>{std::string("POST ") + kBuild +
                                                    "/input/Tests/proceedEmpty"}));
  EXPECT_EQ(http.sent[0].headers.get("Authorization"), "Basic YmF0b246YXBp");
  TestHttp failed({answer(200)});
  input(failed, kSeen, false);
  EXPECT_EQ(failed.calls()[0], std::string("POST ") + kBuild + "/input/Tests/abort");
}

TEST(JenkinsInput, is_called_what_jenkins_calls_it) {
  TestHttp look({waiting("TESTS")});
  const Outcome seen = input(look, "{}");
  TestHttp http({answer(200)});
  EXPECT_EQ(input(http, seen.memo).kind, Kind::delivered);
  EXPECT_EQ(http.calls()[0], std::string("POST ") + kBuild + "/input/TESTS/proceedEmpty");
}

TEST(JenkinsInput, of_several_that_differ_in_case_is_the_one_that_is_meant) {
  TestHttp look({answer(200, R"([{"id":"TESTS"},{"id":"Tests"},{"id":"TEsts"}])")});
  EXPECT_EQ(input(look, "{}").memo, R"({"seen":1,"id":"Tests"})");
  TestHttp unclear({answer(200, R"([{"id":"TESTS"},{"id":"TEsts"}])")});
  const Outcome outcome = input(unclear, "{}");
  EXPECT_EQ(outcome.kind, Kind::dead);
  EXPECT_EQ(outcome.error_class, ErrorClass::misconfigured);
  EXPECT_NE(outcome.error.find("TESTS, TEsts"), std::string::npos);
}

TEST(JenkinsInput, that_is_still_listed_was_not_answered) {
  TestHttp other({answer(404), waiting("TESTS")});
  const Outcome outcome = input(other, kSeen);
  EXPECT_TRUE(outcome.is_progress);
  EXPECT_EQ(outcome.memo, R"({"seen":1,"id":"TESTS"})");
  TestHttp same({answer(404), waiting("TESTS"), build(nullptr)});
  EXPECT_EQ(input(same, outcome.memo).kind, Kind::again);
  TestHttp gone({answer(404), answer(200, "[]"), build(nullptr)});
  EXPECT_EQ(input(gone, outcome.memo).kind, Kind::delivered);
}

TEST(JenkinsInput, that_is_not_listed_is_told_with_those_that_are) {
  TestHttp http({waiting("Deploy"), build(nullptr)});
  const Outcome outcome = input(http, "{}");
  EXPECT_EQ(outcome.kind, Kind::again);
  EXPECT_NE(outcome.error.find("it waits at Deploy"), std::string::npos);
}

TEST(JenkinsInput, needs_no_plugin_that_lists_inputs) {
  TestHttp http({answer(404), answer(200)});
  EXPECT_EQ(input(http, "{}").kind, Kind::delivered);
  EXPECT_EQ(http.sent.size(), 2U);
}

TEST(JenkinsInput, that_is_gone_was_answered_by_us_or_not_at_all) {
  EXPECT_EQ(settled(nullptr, kSeen, true).kind, Kind::delivered);
  EXPECT_EQ(settled("FAILURE", kSeen, true).kind, Kind::delivered);
  EXPECT_EQ(settled("ABORTED", kSeen, true).error_class, ErrorClass::peer_gone);
  EXPECT_EQ(settled("ABORTED", kSeen, false).kind, Kind::delivered);
  EXPECT_EQ(settled("SUCCESS", kSeen, false).error_class, ErrorClass::peer_gone);
  EXPECT_EQ(settled(nullptr, kSeen, false).kind, Kind::again);
  EXPECT_EQ(settled("SUCCESS", "{}", true).kind, Kind::delivered);
  EXPECT_EQ(settled("FAILURE", "{}", true).error_class, ErrorClass::peer_gone);
}

TEST(JenkinsInput, that_is_not_reached_yet_is_waited_for) {
  const Outcome outcome = settled(nullptr, "{}", true);
  EXPECT_EQ(outcome.kind, Kind::again);
  EXPECT_EQ(outcome.error_class, ErrorClass::transient);
  TestHttp gone({answer(404), answer(404), answer(404), answer(404)});
  EXPECT_EQ(input(gone, "{}").error_class, ErrorClass::peer_gone);
  TestHttp forbidden({answer(403)});
  EXPECT_EQ(input(forbidden, "{}").error_class, ErrorClass::auth);
}

TEST(JenkinsInput, a_lost_answer_is_remembered) {
  TestHttp http({answer(404), no_answer()});
  const Outcome outcome = input(http, "{}");
  EXPECT_EQ(outcome.kind, Kind::again);
  EXPECT_EQ(outcome.memo, kSeen);
}

TEST(JenkinsInput, a_password_needs_a_crumb_of_the_same_session) {
  model::LinkProfile p = profile();
  p.token = {};
  p.password = {"secret"};
  TestHttp http({answer(200, R"({"crumbRequestField":"Jenkins-Crumb","crumb":"c0ffee"})",
                        {{"Set-Cookie", "JSESSIONID=1; Path=/"}, {"Set-Cookie", "x=2"}}),
                 answer(200)});
  EXPECT_EQ(input(http, kSeen, true, p).kind, Kind::delivered);
  EXPECT_EQ(http.calls()[0], "GET https://jenkins/crumbIssuer/api/json");
  EXPECT_EQ(http.sent[1].headers.get("Jenkins-Crumb"), "c0ffee");
  EXPECT_EQ(http.sent[1].headers.get("Cookie"), "JSESSIONID=1; x=2");
  TestHttp without({answer(404), answer(200)});
  EXPECT_EQ(input(without, kSeen, true, p).kind, Kind::delivered);
}

Outcome step(TestHttp& http, std::string memo = "{}", std::vector<model::Secret> secrets = {}) {
  Message message = failed_message_of("webhook_step", R"({"token":"a b"})");
  message.delivery.memo = std::move(memo);
  model::LinkProfile p = profile();
  p.secrets = std::move(secrets);
  return find_adapter(LinkKind::jenkins, "webhook_step")(message, p, http);
}

TEST(JenkinsWebhookStep, gets_the_verdict_as_its_body) {
  TestHttp http({answer(200, "", {{"Result", "WebhookTriggered"}})});
  EXPECT_EQ(step(http, "{}", {{"step-token"}}).kind, Kind::delivered);
  EXPECT_EQ(http.calls()[0], "POST https://jenkins/webhook-step/a%20b");
  EXPECT_EQ(http.sent[0].headers.get("Authorization"), "step-token");
  const Json body(http.sent[0].body);
  EXPECT_EQ(body.text("verdict"), "failed");
  EXPECT_EQ(body.text("passed"), "false");
  EXPECT_EQ(body.text("gate"), "gate_1");
  TestHttp open({answer(200)});
  step(open);
  EXPECT_EQ(open.sent[0].headers.find("Authorization"), nullptr);
}

TEST(JenkinsWebhookStep, that_does_not_wait_is_told_a_few_times) {
  std::string memo = "{}";
  for (int i = 0; i < 2; ++i) {
    TestHttp http({answer(202)});
    const Outcome outcome = step(http, memo);
    EXPECT_TRUE(outcome.is_progress);
    memo = outcome.memo;
  }
  TestHttp http({answer(202)});
  EXPECT_EQ(step(http, memo).kind, Kind::delivered);
  TestHttp refused({answer(403, "", {{"Result", "Unauthorized"}})});
  EXPECT_EQ(step(refused).error_class, ErrorClass::auth);
}

TEST(JenkinsTarget, is_checked) {
  const auto check = [](const char* op, const char* fields) {
    return check_target(LinkKind::jenkins, {.link = "jenkins/main", .op = op, .fields = fields})
        .has_value();
  };
  EXPECT_TRUE(check("input", kInput));
  EXPECT_FALSE(check("input", R"({"job":"a//b","build":1,"id":"x"})"));
  EXPECT_FALSE(check("input", R"({"job":"a/../b","build":1,"id":"x"})"));
  EXPECT_FALSE(check("input", R"({"job":"a","build":1,"id":""})"));
  EXPECT_FALSE(check("input", R"({"job":"a","id":"x"})"));
  EXPECT_TRUE(check("webhook_step", R"({"token":"t"})"));
  EXPECT_FALSE(check("webhook_step", "{}"));
}

}  // namespace
}  // namespace baton::links
