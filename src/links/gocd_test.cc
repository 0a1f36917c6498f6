// SPDX-License-Identifier: MIT
#include "links/gocd.h"

#include <gtest/gtest.h>

#include "links/peer.h"
#include "links/peer_for_test.h"

namespace baton::links {
namespace {

using model::ErrorClass;
using Kind = Outcome::Kind;

constexpr const char* kStage = R"({"pipeline":"shop","counter":7,"stage":"Go Live"})";
constexpr const char* kLook = "GET https://gocd/go/api/pipelines/shop/7/instance";
constexpr const char* kRun = "POST https://gocd/go/api/stages/shop/7/Go%20Live/run";
constexpr const char* kTrigger = R"({"pipeline":"shop"})";

model::LinkProfile profile() {
  model::LinkProfile p = profile_of(model::LinkKind::gocd, "https://gocd");
  p.token = {"t0ken"};
  return p;
}

Answer instance(bool scheduled) {
  return answer(200, fmt::format(R"({{"counter":7,"stages":[{{"name":"build","scheduled":true}},)"
                                 R"({{"name":"go live","scheduled":{}}}]}})",
                                 scheduled));
}
Answer history(std::string runs) { return answer(200, R"({"pipelines":[)" + runs + "]}"); }
std::string run(int counter, std::string_view approver) {
  return fmt::format(R"({{"counter":{},"build_cause":{{"approver":"{}","trigger_forced":{}}}}})",
                     counter, approver, approver.empty() ? "false" : "true");
}

Outcome run_stage(TestHttp& http, std::string memo = "{}") {
  Message message = message_of("run_stage", kStage);
  message.delivery.memo = std::move(memo);
  return find_adapter(model::LinkKind::gocd, "run_stage")(message, profile(), http);
}
Outcome run_stage_refused(int status, std::string body, std::string memo = "{}") {
  TestHttp http({instance(false), answer(status, std::move(body))});
  return run_stage(http, std::move(memo));
}

TEST(GocdStage, is_looked_at_run_and_confirmed) {
  TestHttp http({instance(false), answer(202), instance(true)});
  EXPECT_EQ(run_stage(http).kind, Kind::delivered);
  EXPECT_EQ(http.calls(), (std::vector<std::string>{kLook, kRun, kLook}));
  const net::Headers& headers = http.sent[1].headers;
  EXPECT_EQ(headers.get("X-GoCD-Confirm"), "true");
  EXPECT_EQ(headers.get("Accept"), "application/vnd.go.cd.v2+json");
  EXPECT_EQ(headers.get("Authorization"), "Bearer t0ken");
  EXPECT_EQ(headers.find("Content-Type"), nullptr);
  EXPECT_EQ(http.sent[1].body, "");
  EXPECT_EQ(http.sent[0].headers.get("Accept"), "application/vnd.go.cd.v1+json");
}

TEST(GocdStage, that_is_scheduled_is_not_run_again) {
  TestHttp http({instance(true)});
  EXPECT_EQ(run_stage(http).kind, Kind::delivered);
  EXPECT_EQ(http.sent.size(), 1U);
}

TEST(GocdStage, is_looked_at_again_after_a_lost_answer) {
  TestHttp lost({instance(false), no_answer()});
  const Outcome first = run_stage(lost);
  EXPECT_EQ(first.kind, Kind::again);
  EXPECT_EQ(first.error_class, ErrorClass::transient);
  TestHttp next({instance(true)});
  EXPECT_EQ(run_stage(next, first.memo.empty() ? "{}" : first.memo).kind, Kind::delivered);
  EXPECT_EQ(next.sent.size(), 1U);
}

TEST(GocdStage, that_was_accepted_is_waited_for_before_it_is_asked_for_again) {
  TestHttp http({instance(false), answer(202), instance(false)});
  const Outcome first = run_stage(http);
  EXPECT_EQ(first.kind, Kind::again);
  EXPECT_TRUE(first.is_progress);
  TestHttp next({instance(false)});
  EXPECT_TRUE(run_stage(next, first.memo).is_progress);
  EXPECT_EQ(next.sent.size(), 1U);
  TestHttp late({instance(false), answer(202), instance(true)});
  EXPECT_EQ(run_stage(late, R"({"accepted_at":1})").kind, Kind::delivered);
}

TEST(GocdStage, whose_pipeline_is_busy_is_tried_again) {
  for (const char* text : {"Cannot schedule: Pipeline shop is paused",
                           "Stage [build] in pipeline [shop] is still in progress",
                           "Pipeline[name=shop] is still in progress"}) {
    const Outcome outcome = run_stage_refused(409, text);
    EXPECT_EQ(outcome.kind, Kind::again) << text;
    EXPECT_EQ(outcome.error_class, ErrorClass::transient);
    EXPECT_EQ(outcome.status, 409);
  }
}

TEST(GocdStage, that_can_never_run_is_given_up) {
  EXPECT_EQ(run_stage_refused(409, "Cannot schedule s as the previous stage x has Failed!").kind,
            Kind::dead);
  EXPECT_EQ(run_stage_refused(422, "Received non-numeric pipeline counter").error_class,
            ErrorClass::rejected);
  EXPECT_EQ(run_stage_refused(500, "Cause: Pipeline instance [shop/7] not found").kind, Kind::dead);
  EXPECT_EQ(run_stage_refused(500, "disk trouble").kind, Kind::again);
  EXPECT_EQ(run_stage_refused(403, "").error_class, ErrorClass::auth);
  EXPECT_EQ(run_stage_refused(404, "").error_class, ErrorClass::rejected);
  EXPECT_EQ(run_stage_refused(415, "").error_class, ErrorClass::misconfigured);
  EXPECT_EQ(run_stage_refused(400, "Missing required header 'X-GoCD-Confirm'").error_class,
            ErrorClass::misconfigured);
  TestHttp hidden({answer(401)});
  EXPECT_EQ(run_stage(hidden).error_class, ErrorClass::auth);
}

TEST(GocdStage, before_which_another_must_run_gets_a_little_time) {
  const char* text =
      "Can not run stage [s] in pipeline [p] because its previous stage has not "
      "been run.";
  Outcome outcome = run_stage_refused(400, text);
  EXPECT_EQ(outcome.kind, Kind::again);
  outcome = run_stage_refused(400, text, outcome.memo);
  EXPECT_EQ(outcome.kind, Kind::again);
  EXPECT_EQ(run_stage_refused(400, text, outcome.memo).kind, Kind::dead);
}

TEST(GocdStage, latest_keeps_meaning_the_same_run) {
  Message message =
      message_of("run_stage", R"({"pipeline":"shop","counter":"latest","stage":"s"})");
  const Deliver deliver = find_adapter(model::LinkKind::gocd, "run_stage");
  TestHttp http({history(run(9, "") + "," + run(8, ""))});
  const Outcome first = deliver(message, profile(), http);
  EXPECT_TRUE(first.is_progress);
  EXPECT_EQ(first.after, Duration{0});
  message.delivery.memo = first.memo;
  TestHttp next({answer(200, R"({"stages":[{"name":"s","scheduled":true}]})")});
  EXPECT_EQ(deliver(message, profile(), next).kind, Kind::delivered);
  EXPECT_EQ(next.calls()[0], "GET https://gocd/go/api/pipelines/shop/9/instance");
}

TEST(GocdTarget, is_checked_field_by_field) {
  const auto check = [](const char* op, const char* fields) {
    return check_target(model::LinkKind::gocd, {.link = "gocd/main", .op = op, .fields = fields});
  };
  EXPECT_TRUE(check("run_stage", kStage));
  EXPECT_TRUE(check("run_stage", R"({"pipeline":"p","counter":"latest","stage":"s"})"));
  EXPECT_TRUE(check("run_stage", R"({"pipeline":"p","counter":"12","stage":"s"})"));
  for (const char* wrong :
       {R"({"pipeline":"p","counter":"next","stage":"s"})", R"({"pipeline":"p","counter":1})",
        R"({"pipeline":"..","counter":1,"stage":"s"})",
        R"({"pipeline":"","counter":1,"stage":"s"})",
        R"({"pipeline":"p","counter":1,"stage":"s","x":1})"}) {
    const auto checked = check("run_stage", wrong);
    ASSERT_FALSE(checked) << wrong;
    EXPECT_EQ(checked.error().code, Code::invalid);
    EXPECT_FALSE(checked.error().details.empty());
  }
  EXPECT_TRUE(check("schedule", R"({"pipeline":"p","environment_variables":[{"name":"A","value":"b",
      "secure":true}],"materials":[{"fingerprint":"f","revision":"up/2/dist/1"}],
      "update_materials_before_scheduling":false})"));
  EXPECT_FALSE(check("schedule", R"({"pipeline":"p","environment_variables":[{"value":"b"}]})"));
  EXPECT_FALSE(check("schedule", R"({"pipeline":"p","materials":[{"revision":"1"}]})"));
  EXPECT_FALSE(check("comment", "{}"));
}

Outcome schedule(TestHttp& http, std::string memo = "{}", const char* fields = kTrigger) {
  Message message = message_of("schedule", fields);
  message.delivery.memo = std::move(memo);
  return find_adapter(model::LinkKind::gocd, "schedule")(message, profile(), http);
}

TEST(GocdSchedule, notes_the_newest_run_then_triggers_then_sees_its_own) {
  TestHttp first_look({history(run(5, ""))});
  const Outcome noted = schedule(first_look);
  EXPECT_TRUE(noted.is_progress);
  EXPECT_EQ(noted.after, Duration{0});

  TestHttp trigger({history(run(5, "")), answer(202)});
  const Outcome asked = schedule(trigger, noted.memo);
  EXPECT_EQ(trigger.calls(),
            (std::vector<std::string>{"GET https://gocd/go/api/pipelines/shop/history",
                                      "POST https://gocd/go/api/pipelines/shop/schedule"}));
  EXPECT_EQ(trigger.sent[1].headers.get("X-GoCD-Confirm"), "true");
  EXPECT_EQ(trigger.sent[1].headers.get("Accept"), "application/vnd.go.cd.v1+json");
  EXPECT_EQ(trigger.sent[1].body, "");
  EXPECT_TRUE(asked.is_progress);

  TestHttp not_yet({history(run(6, "") + "," + run(5, ""))});  // of a commit, not forced
  EXPECT_TRUE(schedule(not_yet, asked.memo).is_progress);
  TestHttp there(
      {history(run(7, "baton") + "," + run(6, "")), answer(200, R"({"login_name":"Baton"})")});
  EXPECT_EQ(schedule(there, asked.memo).kind, Kind::delivered);
}

TEST(GocdSchedule, a_lost_answer_triggers_no_second_run) {
  TestHttp lost({history(run(5, "")), no_answer()});
  const Outcome outcome = schedule(lost, R"({"before":5})");
  EXPECT_EQ(outcome.kind, Kind::again);
  EXPECT_EQ(Json(outcome.memo).number("before"), 5);
  TestHttp there({history(run(6, "baton")), answer(200, R"({"login_name":"baton"})")});
  EXPECT_EQ(schedule(there, R"({"before":5})").kind, Kind::delivered);
  TestHttp others({history(run(6, "ann")), answer(200, R"({"login_name":"baton"})"), answer(202)});
  EXPECT_TRUE(schedule(others, R"({"before":5})").is_progress);
  EXPECT_EQ(others.sent.size(), 3U);
}

TEST(GocdSchedule, a_refusal_is_no_run_of_ours) {
  TestHttp first_look({history(run(5, ""))});
  const std::string noted = schedule(first_look).memo;
  TestHttp forced({history(run(5, "")), answer(409, "Pipeline already forced")});
  const Outcome outcome = schedule(forced, noted);
  EXPECT_EQ(outcome.kind, Kind::again);
  EXPECT_EQ(outcome.memo, "{}");
  TestHttp rejected({history(run(5, "")), answer(422, "Request to schedule pipeline rejected")});
  EXPECT_EQ(schedule(rejected, noted).error_class, ErrorClass::rejected);
  TestHttp gone({answer(404)});
  EXPECT_EQ(Json(schedule(gone).memo).number("before"), -1);
  TestHttp unknown({answer(404)});
  EXPECT_EQ(schedule(unknown, R"({"before":-1})").error_class, ErrorClass::rejected);
}

Outcome schedule_refused(std::string memo, const char* text) {
  TestHttp http({history(run(5, "")), answer(409, text)});
  return schedule(http, std::move(memo));
}

TEST(GocdSchedule, a_refusal_after_a_lost_answer_settles_nothing) {
  TestHttp first_look({history(run(5, ""))});
  TestHttp lost({history(run(5, "")), no_answer()});
  std::string memo = schedule(lost, schedule(first_look).memo).memo;
  for (int i = 0; i < 3; ++i) {
    const Outcome outcome = schedule_refused(memo, "Pipeline already forced");
    EXPECT_EQ(outcome.kind, Kind::again);
    EXPECT_FALSE(outcome.is_progress);
    memo = outcome.memo;
  }
  TestHttp there({history(run(6, "baton")), answer(200, R"({"login_name":"baton"})")});
  EXPECT_EQ(schedule(there, memo).kind, Kind::delivered);
  EXPECT_EQ(there.calls().size(), 2U);
}

TEST(GocdSchedule, a_call_of_a_server_that_was_killed_may_have_been_taken) {
  const Outcome outcome =
      schedule_refused(R"({"before":5,"noted_by":"another start"})", "Pipeline already forced");
  EXPECT_EQ(Json(outcome.memo).number("before"), 5);
  EXPECT_EQ(Json(outcome.memo).number("asked_at"), to_ms(kTestNow));
}

TEST(GocdSchedule, a_lost_call_of_which_nothing_comes_is_settled_at_last) {
  const std::string memo =
      fmt::format(R"({{"before":5,"asked_at":{}}})", to_ms(kTestNow) - 5 * 60 * 1000);
  EXPECT_EQ(schedule_refused(memo, "Pipeline shop is paused").memo, "{}");
  EXPECT_NE(schedule_refused(memo, "Pipeline already forced").memo, "{}");
}

TEST(GocdSchedule, an_accepted_trigger_that_vanishes_is_told) {
  TestHttp http({history(run(5, ""))});
  const Outcome outcome = schedule(http, R"({"before":5,"accepted_at":1000})");
  EXPECT_EQ(outcome.kind, Kind::dead);
  EXPECT_EQ(outcome.memo, "{}");  // a redelivery asks anew
}

TEST(GocdSchedule, hands_on_variables_and_materials) {
  TestHttp http({history(""), answer(202)});
  schedule(http, R"({"before":0})",
           R"({"pipeline":"shop","environment_variables":[{"name":"A","value":"b"}]})");
  EXPECT_EQ(http.sent[1].body, R"({"environment_variables":[{"name":"A","value":"b"}]})");
  EXPECT_EQ(http.sent[1].headers.get("Content-Type"), "application/json");
}

TEST(Gocd, a_user_proves_itself_with_a_password) {
  model::LinkProfile basic = profile_of(model::LinkKind::gocd, "https://gocd/go");
  basic.user = "baton";
  basic.password = {"secret"};
  const net::HttpRequest request = gocd::call(basic, "GET", "/go/api/x", 1);
  EXPECT_EQ(request.url, "https://gocd/go/api/x");
  EXPECT_EQ(request.headers.get("Authorization"), "Basic YmF0b246c2VjcmV0");
}

}  // namespace
}  // namespace baton::links
