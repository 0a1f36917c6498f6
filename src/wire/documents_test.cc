// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "wire/event_json.h"
#include "wire/run_json.h"
#include "wire/schedule_json.h"
#include "wire/suite_json.h"
#include "wire/token_json.h"

namespace baton::wire {
namespace {

TEST(RunJson, reads_every_field_of_a_request_and_writes_it_back) {
  const auto request = parse_run_request(
      R"({"suite":"pay/checkout","filter":"a|b","environment":"uat","reference":"r",)"
      R"("triggered_by":"me",)"
      R"("labels":{"k":"v"},"params":{"USER":"x","n":3},"max_attempts":2,"timeout":"10m",)"
      R"("allow_empty":true,"revision":"abc","branch":"main"})");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->suite, "pay/checkout");
  EXPECT_EQ(request->params.at("n"), "3");
  EXPECT_EQ(*request->timeout, Duration{600'000});
  const auto again = parse_run_request(to_json(*request));
  ASSERT_TRUE(again);
  EXPECT_EQ(to_json(*again), to_json(*request));
}

TEST(RunJson, refuses_what_it_does_not_know) {
  EXPECT_FALSE(parse_run_request(R"({"suite":"a","colour":"red"})"));
  EXPECT_FALSE(parse_run_request(R"({"filter":"a"})"));
  EXPECT_FALSE(parse_run_request(R"({"suite":"a","params":{"A B":"x"}})"));
  EXPECT_FALSE(parse_run_request(R"({"suite":"a","max_attempts":0})"));
  EXPECT_FALSE(parse_run_request(R"({"suite":7})"));
  EXPECT_FALSE(parse_run_request("[]"));
}

TEST(RunJson, a_run_survives_the_way_over_the_wire) {
  model::Run run;
  run.id = RunId{17};
  run.namespace_ = "pay";
  run.suite = "checkout";
  run.state = model::RunState::finished;
  run.verdict = model::RunVerdict::passed;
  run.counts = {.total = 3, .passed = 2, .flaky = 1};
  run.queued_at = from_ms(1'700'000'000'000);
  run.started_at = from_ms(1'700'000'001'000);
  run.finished_at = from_ms(1'700'000'003'500);
  run.request.labels = {{"a", "b"}};
  const std::string json = to_json(run);
  EXPECT_NE(json.find(R"("duration_ms":2500)"), std::string::npos);
  const auto back = parse_run(json);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), json);
}

TEST(RunJson, a_queued_run_has_a_null_verdict_and_no_times) {
  const std::string json = to_json(model::Run{});
  EXPECT_NE(json.find(R"("verdict":null)"), std::string::npos);
  EXPECT_EQ(json.find("finished_at"), std::string::npos);
}

TEST(RunJson, a_case_shows_attempts_with_their_artifacts) {
  model::CaseResult item;
  item.name = "logs in";
  item.verdict = model::CaseVerdict::flaky;
  item.flaky = true;
  model::Attempt attempt;
  attempt.test = item.name;
  attempt.number = 1;
  attempt.outcome = model::Outcome::failed;
  attempt.message = "1 != 2";
  attempt.line = 7;
  attempt.spans.push_back({"GET /", from_ms(5), Duration{3}, {{"k", "v"}}});
  attempt.values = {{"order", "1"}, {"order", "2"}};
  item.attempts.push_back(attempt);
  attempt.number = 2;
  attempt.outcome = model::Outcome::passed;
  item.attempts.push_back(attempt);
  const std::vector<model::Artifact> artifacts{{"a.png", 3, "image/png", "logs in", 1, "00"}};
  JsonWriter out;
  write_case_result(out, item, artifacts);
  const std::string json = out.take();
  EXPECT_NE(json.find(R"("outcome":"passed","attempts":[{"attempt":1,"outcome":"failed")"),
            std::string::npos);
  EXPECT_NE(json.find(R"("values":{"order":"2"},"artifacts":[{"path":"a.png")"), std::string::npos);
  EXPECT_NE(json.find(R"("values":{"order":"2"},"artifacts":[])"), std::string::npos);
  const auto back = parse_case_result(json);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->attempts.size(), 2U);
  EXPECT_EQ(back->attempts[0].spans[0].context.at("k"), "v");
}

TEST(SuiteJson, what_is_read_can_be_sent_back) {
  const auto suite = parse_suite(
      R"({"kind":"junit","command":["./run.sh"],"reports":["out/**"],"timeout":"10m",)"
      R"("running_runs":3,)"
      R"("labels":{"t":"x"}})",
      "default", "any");
  ASSERT_TRUE(suite) << suite.error().message;
  JsonWriter out;
  write_suite(out, *suite, {.schedules = {"nightly"}, .last_run = model::Run{}});
  const std::string json = out.take();
  const auto again = parse_suite(json, "default", "any");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->timeout, Duration{600'000});
  EXPECT_EQ(again->reports, suite->reports);
  EXPECT_EQ(again->running_runs, 3);
}

TEST(SuiteJson, refuses_other_names_unknown_kinds_and_cpp) {
  EXPECT_FALSE(parse_suite(R"({"kind":"junit","command":["x"],"name":"other"})", "default", "any"));
  EXPECT_FALSE(parse_suite(R"({"kind":"cobol","command":["x"]})", "default", "any"));
  EXPECT_FALSE(parse_suite(R"({"kind":"cpp","command":["x"]})", "default", "any"));
  EXPECT_TRUE(parse_suite(R"({"kind":"cpp","command":["x"]})", "adhoc", "any"));
  EXPECT_FALSE(parse_suite(R"({"kind":"junit"})", "default", "any"));
  EXPECT_FALSE(parse_suite(R"({"kind":"junit","command":["x"]})", "default", "../x"));
}

TEST(RunJson, bodies_of_rerun_and_cancel_may_be_empty) {
  EXPECT_FALSE(parse_rerun_request("")->failed_only);
  EXPECT_TRUE(parse_rerun_request(R"({"failed_only":true})")->failed_only);
  EXPECT_FALSE(parse_rerun_request(R"({"failed":true})"));
  EXPECT_EQ(*parse_cancel_request(R"({"reason":"late"})"), "late");
}

TEST(ScheduleJson, what_is_written_can_be_sent_back) {
  const auto schedule = parse_schedule(
      R"({"suite":"a","every":"90s","overlap":"queue","catch_up":"none","max_runs":3})", "nightly");
  ASSERT_TRUE(schedule) << schedule.error().message;
  JsonWriter out;
  write_schedule(out, *schedule);
  const std::string json = out.take();
  EXPECT_NE(json.find(R"("next_at":null,"last_run":null,"run_count":0)"), std::string::npos);
  ASSERT_TRUE(parse_schedule(json, "nightly"));
  EXPECT_FALSE(parse_schedule(json, "other"));
  EXPECT_FALSE(parse_schedule(R"({"suite":"a","cron":"61 * * * *"})", "n"));
  EXPECT_FALSE(parse_schedule(R"({"suite":"a"})", "n"));
}

TEST(TokenJson, takes_an_expiry_as_time_or_duration) {
  const TimePoint now = from_ms(1'800'000'000'000);
  const auto token =
      parse_token_request(R"({"name":"ci","scope":"operator","expires":"90d"})", now);
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(*token->expires_at, now + Duration{90LL * 86'400'000});
  EXPECT_TRUE(parse_token_request(
      R"({"name":"ci","scope":"viewer","expires":"2099-01-01T00:00:00Z"})", now));
  for (const char* bad : {R"({"name":"ci","scope":"runner"})", R"({"name":"ci","scope":"root"})",
                          R"({"name":"ci"})", R"({"scope":"viewer"})",
                          R"({"name":"c","scope":"viewer","expires":"2001-01-01T00:00:00Z"})",
                          R"({"name":"c","scope":"viewer","expires":"soon"})"})
    EXPECT_FALSE(parse_token_request(bad, now)) << bad;
}

TEST(TokenJson, shows_a_secret_only_when_given) {
  model::Token token;
  token.id = "tok_1";
  token.name = "ci";
  token.scope = model::Scope::operator_;
  JsonWriter with;
  write_token(with, token, "s3");
  EXPECT_EQ(with.take().find(R"({"id":"tok_1","token":"s3","name":"ci","scope":"operator")"), 0U);
  JsonWriter without;
  write_token(without, token, "");
  EXPECT_EQ(without.take().find("\"token\""), std::string::npos);
}

TEST(EventJson, embeds_the_data) {
  JsonWriter out;
  write_event(out, {3, from_ms(0), "run.queued", "run:1", R"({"suite":"a"})"});
  EXPECT_EQ(out.take(),
            R"({"seq":3,"at":"1970-01-01T00:00:00.000Z","kind":"run.queued","subject":"run:1",)"
            R"("data":{"suite":"a"}})");
}

}  // namespace
}  // namespace baton::wire
