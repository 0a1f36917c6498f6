// SPDX-License-Identifier: MIT
// handoff's routes: its field names, without its defects.
#include <gtest/gtest.h>

#include "api/test_server.h"
#include "engine/run_ops.h"
#include "engine/suite_ops.h"

namespace baton::api {
namespace {

using model::Outcome;

void discover(TestServer& server, const std::string& suite, std::vector<std::string> names) {
  const auto done = server.operate<bool>([&](engine::Context& c) -> Result<bool> {
    std::vector<model::Case> cases;
    for (const std::string& name : names) cases.emplace_back().name = name;
    BATON_TRY_VOID(engine::put_discovery(c, "default", suite, cases, ""));
    return true;
  });
  EXPECT_TRUE(done) << done.error().message;
}

TEST(Legacy, the_logs_of_an_answer_are_bounded_together) {
  TestServer server;
  const auto id = server.start_run("loud");
  Runner runner(server, id);
  wire::PlanRecord plan;
  plan.cases.emplace_back().name = "a";
  ASSERT_EQ(runner.send({plan}).status, 200);
  // One attempt's part is at most 1 MiB of it, all parts 32 MiB.
  constexpr int kAttempts = 35;
  const std::string chunk = std::string(wire::kOutputChunkMax - 1, 'x') + "\n";
  for (int i = 1; i <= kAttempts; ++i) {
    std::vector<wire::RecordBody> records{wire::AttemptStarted{"a", i, from_ms(1)}};
    for (int line = 1; line <= 5; ++line) records.push_back(output("a", i, chunk, line));
    records.push_back(finished("a", i, Outcome::failed, i == kAttempts));
    ASSERT_EQ(runner.send(records).status, 200);
  }
  ASSERT_EQ(runner.send({wire::FinishedRecord{model::Ending::completed, "", from_ms(2)}}).status,
            200);
  const Reply reply = server.get("/suites/loud/runs/1/test/a");
  ASSERT_EQ(reply.status, 200);
  EXPECT_LT(reply.text.size(), (std::size_t{32} << 20) + (1 << 20));
  const auto& attempts = reply.json.as_array();
  ASSERT_EQ(attempts.size(), std::size_t{kAttempts}) << "every attempt is there, log or none";
  std::size_t told = 0, left_out = 0;
  for (const auto& attempt : attempts) {
    const std::string_view text = attempt.at("logs").as_string();
    told += text.size();
    if (text.find("left out") != text.npos && text.find("/api/v1/runs/") != text.npos) ++left_out;
  }
  EXPECT_GT(told, std::size_t{31} << 20);
  EXPECT_GE(left_out, 3U) << "the rest says where its log is";
}

TEST(Legacy, a_run_is_started_and_read_with_handoffs_fields) {
  TestServer server;
  const auto first = server.start_run("quick-2");
  server.start_run("quick");
  discover(server, "quick", {"Success", "Retry", "Other"});
  // The Go client does not escape the filter.
  const Reply made = server.post("/suites/quick/runs?filter=^Success$|Retry&ref=r1&initiatedby=me");
  ASSERT_EQ(made.status, 201) << made.text;
  expect_shape(made, "LegacyRun");
  EXPECT_EQ(made.integer("id"), 2) << "counts within the suite";
  EXPECT_EQ(made.string("result"), "pending");
  EXPECT_EQ(made.integer("tests"), 3);
  EXPECT_TRUE(made.at("start").is_null());
  EXPECT_EQ(made.at("params").at("TestFilter").as_string(), "^Success$|Retry");
  EXPECT_EQ(made.at("testResults").as_array().size(), 3U);
  Runner(server, first + 2)
      .play({{"Success", Outcome::passed}, {"Retry", Outcome::failed}, {"Retry", Outcome::passed}});
  const Reply run = server.get("/suites/quick/runs/2");
  expect_shape(run, "LegacyRun");
  EXPECT_EQ(run.string("result"), "passed");
  EXPECT_TRUE(run.at("flaky").as_bool());
  EXPECT_EQ(run.string("reference"), "r1");
  EXPECT_EQ(run.string("initiatedBy"), "me");
  EXPECT_EQ(run.at("testResults").as_array().size(), 4U) << "attempts and what was filtered out";
  EXPECT_EQ(run.at("testResults").at(0).at("suiteRunId").as_int64(), 2);
  const Reply test = server.get("/suites/quick/runs/2/test/Retry");
  expect_shape(test, "LegacyTestList");
  ASSERT_EQ(test.json.as_array().size(), 2U);
  EXPECT_EQ(test.json.at(1).at("logs").as_string(), "hello from Retry 2\n");
  EXPECT_EQ(server.get("/suites/quick/runs/2/test/Nope").text, "[]");
}

TEST(Legacy, lists_are_exact_ordered_and_json) {
  TestServer server;
  for (int i = 0; i < 11; ++i) server.start_run("quick");
  server.start_run("quick-2");
  const Reply runs = server.get("/suites/quick/runs");
  expect_shape(runs, "LegacyRunList");
  ASSERT_EQ(runs.json.as_array().size(), 11U) << "not those of quick-2";
  EXPECT_EQ(runs.json.at(1).at("id").as_int64(), 2) << "by number, not by text";
  EXPECT_EQ(runs.json.at(10).at("id").as_int64(), 11);
  const Reply suites = server.get("/suites");
  expect_shape(suites, "LegacySuiteList");
  EXPECT_EQ(suites.json.as_array().size(), 2U);
  EXPECT_EQ(server.get("/suites/quick/runs/99").status, 404);
  EXPECT_EQ(server.get("/suites/quick/runs/x").status, 400);
  EXPECT_EQ(server.get("/suites/nope/runs").status, 404);
  EXPECT_EQ(server.post("/suites/nope/runs").status, 404);
}

TEST(Legacy, the_list_has_all_runs) {
  TestServer server({.queued_runs = 10'000});
  server.start_run("quick");
  constexpr std::size_t kMany = 1'203;
  for (std::size_t i = 1; i < kMany; ++i) {
    const auto started = server.operate<bool>([&](engine::Context& c) -> Result<bool> {
      model::RunRequest request;
      request.suite = "default/quick";
      BATON_TRY(run, engine::start_run(c, server.context().rules, request));
      return raw(run.id) > 0;
    });
    ASSERT_TRUE(started) << started.error().message;
  }
  const Reply runs = server.get("/suites/quick/runs");
  ASSERT_EQ(runs.json.as_array().size(), kMany);
  EXPECT_EQ(runs.json.at(0).at("id").as_int64(), 1);
  EXPECT_EQ(runs.json.at(kMany - 1).at("id").as_int64(), static_cast<std::int64_t>(kMany));
  const Reply page = server.get("/suites/quick/runs", {{"Accept", "text/html"}});
  EXPECT_NE(page.text.find("/suites/quick/runs/1\""), std::string::npos);
}

TEST(Legacy, bad_filters_are_refused_in_handoffs_words) {
  TestServer server;
  server.start_run("quick");
  discover(server, "quick", {"Success"});
  const Reply bad = server.post("/suites/quick/runs?filter=(");
  EXPECT_EQ(bad.status, 400);
  EXPECT_NE(bad.text.find("malformed request param: filter reason: invalid regex"),
            std::string::npos);
  EXPECT_NE(server.post("/suites/quick/runs?filter=zzz").text.find("no tests match"),
            std::string::npos);
}

TEST(Legacy, keys_are_per_suite) {
  TestServer server;
  server.start_run("one");
  server.start_run("two");
  const net::Headers key{{"Idempotency-Key", "k"}};
  const Reply first = server.post("/suites/one/runs", "", key);
  EXPECT_EQ(first.string("idempotencyKey"), "k");
  EXPECT_EQ(server.post("/suites/one/runs", "ignored", key).text, first.text);
  EXPECT_EQ(server.post("/suites/two/runs", "", key).string("suiteName"), "two");
}

TEST(Legacy, browsers_get_a_page_without_script) {
  TestServer server;
  server.start_run("quick");
  const Reply page = server.get("/suites", {{"Accept", "text/html"}});
  EXPECT_EQ(page.headers.get("Content-Type"), "text/html; charset=utf-8");
  EXPECT_NE(page.text.find("default/quick"), std::string::npos);
  EXPECT_NE(page.headers.get("Content-Security-Policy").find("default-src 'none'"),
            std::string::npos);
}

TEST(Legacy, links_of_suites_with_one_name_lead_to_each_of_them) {
  TestServer server;
  constexpr const char* kBody = R"({"kind":"command","command":["true"]})";
  for (const char* id : {"pay/web", "shop/web", "shop/only"})
    EXPECT_EQ(server.put(std::string("/api/v1/suites/") + id, kBody).status, 201);
  const net::Headers html{{"Accept", "text/html"}};
  const Reply list = server.get("/suites", html);
  EXPECT_NE(list.text.find("\"/suites/only/runs\""), std::string::npos) << list.text;
  for (const char* id : {"pay%2Fweb", "shop%2Fweb"}) {
    const std::string path = fmt::format("/suites/{}/runs", id);
    EXPECT_NE(list.text.find("\"" + path + "\""), std::string::npos) << list.text;
    const Reply run = server.post(path);
    EXPECT_EQ(run.headers.get("Location"), path + "/1");
    EXPECT_NE(server.get(path, html).text.find("\"" + path + "/1\""), std::string::npos);
    EXPECT_EQ(server.get(path + "/1", html).status, 200);
  }
}

TEST(Legacy, schedules_work) {
  TestServer server;
  server.start_run("quick");
  EXPECT_EQ(server.get("/schedules").text, "[]");
  const Reply made =
      server.post("/schedules/nightly?suite=quick&filter=a", "", {{"schedule", "0 0 2 * * *"}});
  ASSERT_EQ(made.status, 201) << made.text;
  expect_shape(made, "LegacySchedule");
  EXPECT_EQ(server.post("/schedules/b", R"({"schedule":"@every 1h","suite":"quick"})").status, 201);
  const Reply list = server.get("/schedules");
  expect_shape(list, "LegacyScheduleList");
  EXPECT_EQ(list.json.as_array().size(), 2U);
  EXPECT_EQ(server.post("/schedules/c?suite=quick").status, 400);
  EXPECT_EQ(server.post("/schedules/c?suite=nope", "", {{"schedule", "@daily"}}).status, 404);
  EXPECT_EQ(server.del("/schedules/nightly").status, 204);
  EXPECT_EQ(server.del("/schedules/nightly").status, 404);
}

}  // namespace
}  // namespace baton::api
