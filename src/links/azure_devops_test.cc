// SPDX-License-Identifier: MIT
#include "links/azure_devops.h"

#include <gtest/gtest.h>

#include "links/test_http.h"

namespace baton::links {
namespace {

using model::ErrorClass;
using Kind = Outcome::Kind;

constexpr const char* kBase = "https://dev.azure.com/corp/p/_apis/distributedtask/hubs/";
constexpr const char* kSessionMissing =
    R"({"$id":"1","message":"TF","typeKey":"OrchestrationSessionNotFoundException"})";

class Azure : public ::testing::Test {
 protected:
  Azure() {
    profile_.kind = model::LinkKind::azure_devops;
    profile_.name = "corp";
    message_.now = from_ms(1'767'529'962'204);  // 2026-01-04T12:32:42.204Z
    message_.gate.id = "gat_1";
    message_.gate.created_at = message_.now - Duration{60'000};
    message_.secrets = {{"token", "job-token"}};
    message_.urls.gate = "https://baton/api/v1/gates/gat_1";
    place_.plan_url = "https://dev.azure.com/corp";
    place_.project = "p";
    place_.hub = "Checks";
    place_.plan = "plan";
    place_.job = "job";
    place_.timeline = "line";
    place_.task = "task";
    message_.read_log = [this](std::int64_t offset, std::size_t max) -> Result<std::string> {
      return log_.substr(std::min(static_cast<std::size_t>(offset), log_.size()), max);
    };
  }
  void decide(model::GateVerdict verdict, std::string reason = {}) {
    message_.gate.state = model::GateState::decided;
    message_.gate.verdict = verdict;
    message_.gate.reason = std::move(reason);
    message_.gate.decided_at = message_.now;
  }
  /// With the memo of the attempt before.
  Outcome deliver(std::string_view op) {
    message_.delivery.target.op = op;
    message_.delivery.target.fields = azure::to_fields(place_);
    Outcome outcome = find_adapter(profile_.kind, op)(message_, profile_, http_);
    if (!outcome.memo.empty()) message_.delivery.memo = outcome.memo;
    return outcome;
  }
  Outcome check_with(std::vector<Answer> answers) {
    http_ = TestHttp(std::move(answers));
    return deliver("check");
  }
  std::string authorization(std::size_t i) const {
    return std::string{http_.sent.at(i).headers.get("Authorization")};
  }

  model::LinkProfile profile_;
  Message message_;
  azure::Place place_;
  std::string log_;
  TestHttp http_;
};

TEST_F(Azure, a_verdict_completes_the_task) {
  decide(model::GateVerdict::passed);
  EXPECT_EQ(check_with({answer(200)}).kind, Kind::delivered);
  ASSERT_EQ(http_.sent.size(), 1U);
  EXPECT_EQ(http_.calls()[0],
            std::string("POST ") + kBase + "Checks/plans/plan/events?api-version=2.0-preview.1");
  EXPECT_EQ(http_.sent[0].body,
            R"({"name":"TaskCompleted","taskId":"task","jobId":"job","result":"succeeded"})");
  EXPECT_EQ(authorization(0), "Bearer job-token");
  EXPECT_EQ(http_.sent[0].headers.get("Content-Type"), "application/json");
  for (const auto verdict : {model::GateVerdict::failed, model::GateVerdict::errored,
                             model::GateVerdict::cancelled, model::GateVerdict::timed_out}) {
    decide(verdict);
    check_with({answer(200)});
    EXPECT_NE(http_.sent[0].body.find("\"result\":\"failed\""), std::string::npos);
  }
}

TEST_F(Azure, no_verdict_comes_before_the_session_is_registered) {
  decide(model::GateVerdict::passed);
  message_.gate.created_at = message_.now - Duration{300};
  const Outcome outcome = check_with({answer(200)});
  EXPECT_EQ(outcome.kind, Kind::again);
  EXPECT_TRUE(outcome.is_progress);
  EXPECT_EQ(outcome.after, Duration{700});
  EXPECT_TRUE(http_.sent.empty());
}

TEST_F(Azure, a_missing_session_is_waited_for_and_then_gone) {
  decide(model::GateVerdict::failed);
  Duration waited{0};
  for (int i = 0; i < 3; ++i) {
    const Outcome outcome = check_with({answer(500, kSessionMissing), answer(404)});
    EXPECT_EQ(outcome.kind, Kind::again);
    waited += outcome.after.value_or(Duration{0});
  }
  EXPECT_EQ(waited, Duration{30'000});
  const Outcome outcome = check_with({answer(500, kSessionMissing), answer(404)});
  EXPECT_EQ(outcome.kind, Kind::dead);
  EXPECT_EQ(outcome.error_class, ErrorClass::peer_gone);
  EXPECT_NE(outcome.error.find("Completion event"), std::string::npos);
  // Sent again by a person, or because the call came again, it has all of its tries once more.
  message_.delivery.first_at = message_.now;
  EXPECT_EQ(check_with({answer(500, kSessionMissing), answer(404)}).kind, Kind::again);
}

TEST_F(Azure, a_session_that_our_lost_call_ended_is_confirmed_by_its_record) {
  decide(model::GateVerdict::failed);
  EXPECT_EQ(check_with({no_answer()}).kind, Kind::again);
  const std::string record =
      R"({"value":[{"id":"TASK","result":"failed","finishTime":"2026-01-04T12:32:43.1234567Z"}]})";
  EXPECT_EQ(check_with({answer(500, kSessionMissing), answer(200, record)}).kind, Kind::delivered);
  EXPECT_EQ(http_.calls()[1], std::string("GET ") + kBase +
                                  "Checks/plans/plan/timelines/line/records?api-version=4.1");
  // A check that waits for no callback was over when it called.
  const std::string early =
      R"({"value":[{"id":"task","result":"failed","finishTime":"2026-01-04T12:31:43Z"}]})";
  EXPECT_EQ(check_with({answer(500, kSessionMissing), answer(200, early)}).kind, Kind::again);
}

TEST_F(Azure, a_refused_token_is_replaced_by_the_profiles_own) {
  decide(model::GateVerdict::passed);
  const Outcome refused = check_with({answer(401)});
  EXPECT_EQ(refused.kind, Kind::dead);
  EXPECT_EQ(refused.error_class, ErrorClass::auth);
  EXPECT_NE(refused.error.find("pat"), std::string::npos);
  EXPECT_EQ(refused.error.find("job-token"), std::string::npos);
  profile_.token.value = "own";
  for (const int status : {401, 403, 203, 302}) {
    message_.delivery.memo = "{}";
    EXPECT_EQ(
        check_with({answer(status, "", {{"Location", "https://x/_signin"}}), answer(200)}).kind,
        Kind::delivered);
    EXPECT_EQ(authorization(0), "Bearer job-token");
    EXPECT_EQ(authorization(1), "Basic Om93bg==");
  }
  // It is remembered.
  check_with({answer(200)});
  EXPECT_EQ(authorization(0), "Basic Om93bg==");
  EXPECT_EQ(check_with({answer(403)}).error_class, ErrorClass::auth);
  message_.delivery.memo = "{}";
  message_.secrets.clear();
  check_with({answer(200)});
  EXPECT_EQ(authorization(0), "Basic Om93bg==");
}

TEST_F(Azure, a_refused_version_is_replaced_once) {
  decide(model::GateVerdict::passed);
  profile_.api_version = "7.1, 6.0";
  const Answer refused = answer(400, R"({"typeKey":"VssInvalidPreviewVersionException"})");
  EXPECT_EQ(check_with({refused, answer(200)}).kind, Kind::delivered);
  EXPECT_TRUE(http_.sent[0].url.ends_with("api-version=7.1"));
  EXPECT_TRUE(http_.sent[1].url.ends_with("api-version=6.0"));
  message_.delivery.memo = "{}";
  const Outcome outcome = check_with({refused, refused});
  EXPECT_EQ(outcome.kind, Kind::dead);
  EXPECT_EQ(outcome.error_class, ErrorClass::rejected);
  EXPECT_EQ(http_.sent.size(), 2U);
}

TEST_F(Azure, other_answers_mean_what_they_say) {
  decide(model::GateVerdict::passed);
  const auto of = [&](Answer a) {
    message_.delivery.memo = "{}";
    return check_with({std::move(a)});
  };
  EXPECT_EQ(of(answer(404, "TaskOrchestrationPlanNotFoundException")).error_class,
            ErrorClass::peer_gone);
  EXPECT_EQ(of(answer(429, "", {{"Retry-After", "7"}})).after, Duration{7'000});
  EXPECT_EQ(of(answer(429, "", {{"X-RateLimit-Delay", "2.5"}})).after, Duration{2'500});
  EXPECT_EQ(of(answer(503, "", {{"Retry-After", "1"}})).error_class, ErrorClass::throttled);
  EXPECT_EQ(of(answer(500, "other")).error_class, ErrorClass::transient);
  EXPECT_EQ(of(no_answer()).kind, Kind::again);
  EXPECT_EQ(of(answer(400, "no")).error_class, ErrorClass::rejected);
}

TEST_F(Azure, old_gates_are_known_by_the_id_of_their_task) {
  decide(model::GateVerdict::passed);
  place_.hub = "Gates";
  EXPECT_EQ(check_with({answer(200, R"({"version":12})"), answer(200)}).kind, Kind::delivered);
  EXPECT_EQ(http_.calls()[0], std::string("GET ") + kBase + "Gates/plans/plan?api-version=4.1");
  EXPECT_EQ(http_.sent[1].body,
            R"({"name":"TaskCompleted","taskId":"00000000-0000-0000-0000-000000000000",)"
            R"("jobId":"task","result":"succeeded"})");
  message_.delivery.memo = "{}";
  check_with({answer(200, R"({"version":13})"), answer(200)});
  EXPECT_NE(http_.sent[1].body.find(R"("taskId":"task","jobId":"job")"), std::string::npos);
}

TEST_F(Azure, a_task_that_was_made_up_has_a_record_before_it_is_completed) {
  decide(model::GateVerdict::passed);
  place_.is_task_made = true;
  EXPECT_EQ(check_with({answer(404), answer(200)}).kind, Kind::delivered);
  EXPECT_EQ(http_.calls()[0], std::string("PATCH ") + kBase +
                                  "Checks/plans/plan/timelines/line/records?api-version=4.1");
  EXPECT_EQ(http_.sent[0].body,
            R"({"value":[{"id":"task","parentId":"job","type":"Task","name":"Baton",)"
            R"("state":"inProgress"}],"count":1})");
}

TEST_F(Azure, lines_go_into_one_log_that_the_record_shows) {
  log_ = "first\nsecond\nhalf";
  http_.on_send = [](const net::HttpRequest& request) {
    return answer(200, request.url.ends_with("/logs?api-version=4.1") ? R"({"id":7})" : "");
  };
  Outcome outcome = deliver("log");
  EXPECT_EQ(outcome.kind, Kind::again);
  EXPECT_TRUE(outcome.is_progress);
  EXPECT_TRUE(outcome.error.empty());
  const std::string plan = std::string(kBase) + "Checks/plans/plan";
  EXPECT_EQ(http_.calls(), (std::vector<std::string>{
                               "POST " + plan + "/logs?api-version=4.1",
                               "POST " + plan + "/logs/7?api-version=4.1",
                               "POST " + plan + "/timelines/line/records/job/feed?api-version=4.1",
                               "POST " + plan + "/logs/7?api-version=4.1",
                               "POST " + plan + "/timelines/line/records/job/feed?api-version=4.1",
                               "PATCH " + plan + "/timelines/line/records?api-version=4.1"}));
  EXPECT_EQ(http_.sent[0].body, R"({"path":"logs\\task"})");
  EXPECT_EQ(http_.sent[3].body,
            "2026-01-04T12:32:42.2040000Z first\n"
            "2026-01-04T12:32:42.2040000Z second\n");
  EXPECT_EQ(http_.sent[3].headers.get("Content-Type"), "application/octet-stream");
  EXPECT_EQ(http_.sent[4].body,
            R"({"value":["2026-01-04T12:32:42.2040000Z first",)"
            R"("2026-01-04T12:32:42.2040000Z second"],"count":2,"stepId":"task"})");
  EXPECT_EQ(http_.sent[5].body,
            R"({"value":[{"id":"task","log":{"id":7},"state":"inProgress","percentComplete":0,)"
            R"("currentOperation":"waiting for the verdict"}],"count":1})");

  http_.sent.clear();
  log_ += " and whole\nno end";
  decide(model::GateVerdict::timed_out, "no verdict within 2h");
  EXPECT_EQ(deliver("log").kind, Kind::delivered);
  ASSERT_EQ(http_.sent.size(), 5U);
  EXPECT_NE(http_.sent[0].body.find("Z half and whole\n"), std::string::npos);
  EXPECT_NE(http_.sent[0].body.find("Z no end\n"), std::string::npos);
  EXPECT_NE(http_.sent[2].body.find("Baton: timed out: no verdict within 2h\n"), std::string::npos);
  EXPECT_NE(http_.sent[2].body.find("Baton: https://baton/api/v1/gates/gat_1\n"),
            std::string::npos);
  EXPECT_EQ(http_.sent[4].body.find("\"log\""), std::string::npos);
  EXPECT_NE(http_.sent[4].body.find("\"percentComplete\":100"), std::string::npos);

  http_.sent.clear();
  EXPECT_EQ(deliver("log").kind, Kind::delivered);  // a crash before it was noted
  EXPECT_TRUE(http_.sent.empty());
}

TEST_F(Azure, a_lost_batch_is_sent_again_and_nothing_before_it) {
  http_.on_send = [this](const net::HttpRequest& request) {
    if (request.url.ends_with("/logs?api-version=4.1")) return answer(200, R"({"id":7})");
    return http_.sent.size() == 4 ? no_answer() : answer(200);
  };
  log_ = "one\n";
  const Outcome lost = deliver("log");
  EXPECT_EQ(lost.kind, Kind::again);
  EXPECT_FALSE(lost.is_progress);
  http_.sent.clear();
  http_.on_send = [](const net::HttpRequest&) { return answer(200); };
  deliver("log");
  EXPECT_TRUE(http_.sent[0].url.ends_with("/logs/7?api-version=4.1"));
  EXPECT_TRUE(http_.sent[0].body.ends_with("Z one\n"));
  http_.sent.clear();
  deliver("log");
  EXPECT_TRUE(http_.sent.empty());  // no news
}

TEST_F(Azure, long_lines_are_cut_between_characters) {
  std::string line;
  for (int i = 0; i < 1'030; ++i) line += "\xc3\xbc";
  log_ = line + "\n" + std::string(200'000, 'x') + "\nend\n";
  http_.on_send = [](const net::HttpRequest&) { return answer(200, R"({"id":7})"); };
  while (deliver("log").after) {
  }
  std::string sent;
  for (const net::HttpRequest& request : http_.sent)
    if (request.url.find("/logs/7") != std::string::npos) sent += request.body;
  EXPECT_NE(sent.find("Z " + line.substr(0, 2'048) + "...\n"), std::string::npos);
  EXPECT_NE(sent.find("Z " + std::string(1'024, 'x') + "...\n"), std::string::npos);
  EXPECT_EQ(std::count(sent.begin(), sent.end(), '\n'), 4);  // with the first, which names the gate
  EXPECT_TRUE(sent.ends_with("Z end\n"));
}

TEST_F(Azure, the_record_shows_how_many_tests_are_done) {
  message_.read_cases = []() -> Result<std::vector<CaseLine>> {
    CaseLine done{"s", {}};
    done.result.verdict = model::CaseVerdict::failed;
    return std::vector<CaseLine>{done, CaseLine{"s", {}}};
  };
  http_.on_send = [](const net::HttpRequest&) { return answer(200, R"({"id":7})"); };
  deliver("log");
  EXPECT_NE(http_.sent.back().body.find(
                R"("percentComplete":50,"currentOperation":"1 of 2 tests done, 1 failed")"),
            std::string::npos);
}

TEST_F(Azure, results_become_one_test_run_whatever_crashes) {
  decide(model::GateVerdict::failed);
  place_.build = "42";
  std::vector<CaseLine> cases;
  for (int i = 0; i < 150; ++i) {
    CaseLine line{"suite", {}};
    line.result.name = fmt::format("case{}", i);
    line.result.verdict = model::CaseVerdict::passed;
    cases.push_back(line);
  }
  cases[0].result.verdict = model::CaseVerdict::flaky;
  cases[0].result.attempts.resize(2);
  cases[0].result.attempts[0].outcome = model::Outcome::failed;
  cases[0].result.attempts[0].message = "boom";
  cases[0].result.attempts[1].outcome = model::Outcome::passed;
  cases[0].result.attempts[1].number = 2;
  message_.read_cases = [&]() -> Result<std::vector<CaseLine>> { return cases; };

  http_ =
      TestHttp({answer(200, R"({"value":[{"id":3,"name":"other"}]})"), answer(200, R"({"id":9})")});
  const Outcome made = deliver("results");
  EXPECT_EQ(made.kind, Kind::again);
  EXPECT_TRUE(made.is_progress);
  EXPECT_EQ(http_.calls()[0],
            "GET https://dev.azure.com/corp/p/_apis/test/"
            "runs?buildUri=vstfs%3A%2F%2F%2FBuild%2FBuild%2F42&api-version=7.1");
  EXPECT_EQ(
      http_.sent[1].body,
      R"x({"name":"Baton (gat_1)","automated":true,"state":"InProgress","build":{"id":"42"}})x");

  // Its answer was lost in a crash: it is found by its name.
  const std::string memo = message_.delivery.memo;
  message_.delivery.memo = "{}";
  http_ = TestHttp({answer(200, R"x({"value":[{"id":9,"name":"Baton (gat_1)"}]})x")});
  deliver("results");
  EXPECT_EQ(message_.delivery.memo, memo);

  // What is there already is not added again.
  http_ = TestHttp({answer(200, R"({"value":[{"automatedTestStorage":"suite",)"
                                R"("automatedTestName":"case1"}]})"),
                    answer(200), answer(200), answer(200)});
  EXPECT_EQ(deliver("results").kind, Kind::delivered);
  ASSERT_EQ(http_.sent.size(), 4U);
  EXPECT_EQ(http_.calls()[0],
            "GET https://dev.azure.com/corp/p/_apis/test/Runs/9/results"
            "?$top=1000&$skip=0&api-version=7.1");
  EXPECT_TRUE(http_.sent[1].body.starts_with(
      R"([{"testCaseTitle":"case0","automatedTestName":"case0","automatedTestStorage":"suite",)"
      R"("automatedTestType":"Baton","outcome":"Passed","state":"Completed","durationInMs":0,)"
      R"("resultGroupType":"rerun","subResults":[{"displayName":"Attempt 1","sequenceId":1,)"
      R"("outcome":"Failed","durationInMs":0,"errorMessage":"boom"},)"));
  EXPECT_EQ(http_.sent[1].body.find("\"case1\""), std::string::npos);
  EXPECT_NE(http_.sent[1].body.find("\"case100\""), std::string::npos);
  EXPECT_EQ(http_.sent[1].body.find("\"case101\""), std::string::npos);
  EXPECT_NE(http_.sent[2].body.find("\"case149\""), std::string::npos);
  EXPECT_EQ(http_.calls()[3],
            "PATCH https://dev.azure.com/corp/p/_apis/test/Runs/9?api-version=7.1");
  EXPECT_EQ(http_.sent[3].body, R"({"state":"Completed"})");
}

TEST_F(Azure, a_service_that_cannot_show_its_runs_gets_one_all_the_same) {
  decide(model::GateVerdict::failed);
  place_.build = "42";
  message_.read_cases = []() -> Result<std::vector<CaseLine>> {
    return std::vector<CaseLine>{CaseLine{"s", {}}};
  };
  http_ = TestHttp({answer(404), answer(200, R"({"id":9})")});
  EXPECT_TRUE(deliver("results").is_progress);
  http_ = TestHttp({answer(405), answer(200), answer(200)});
  EXPECT_EQ(deliver("results").kind, Kind::delivered);
  // One that cannot answer now is asked again first.
  message_.delivery.memo = "{}";
  http_ = TestHttp({answer(503)});
  EXPECT_EQ(deliver("results").error_class, ErrorClass::transient);
  EXPECT_EQ(http_.sent.size(), 1U);
}

TEST_F(Azure, without_results_nothing_is_published) {
  decide(model::GateVerdict::passed);
  EXPECT_EQ(deliver("results").kind, Kind::delivered);
  EXPECT_TRUE(http_.sent.empty());
}

}  // namespace
}  // namespace baton::links
