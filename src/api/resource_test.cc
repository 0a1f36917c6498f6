// SPDX-License-Identifier: MIT
// Suites, schedules, the journal, metrics and health.
#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

#include <thread>

#include "api/test_server.h"
#include "engine/suite_ops.h"

namespace baton::api {
namespace {

using model::Outcome;

constexpr const char* kSuite = R"({"kind":"junit","command":["./run.sh"],"reports":["o/*.xml"]})";

TEST(Suites, are_declared_changed_with_etags_and_removed) {
  TestServer server;
  const std::string path = "/api/v1/suites/pay/checkout";
  EXPECT_EQ(server.get(path).status, 404);
  const Reply made = server.put(path, kSuite);
  EXPECT_EQ(made.status, 201) << made.text;
  expect_shape(made, "Suite");
  const std::string etag{made.headers.get("ETag")};
  EXPECT_EQ(server.get(path, {{"If-None-Match", etag}}).status, 200)
      << "the last run may be another one";
  const auto listed = server.operate<bool>([](engine::Context& c) -> Result<bool> {
    std::vector<model::Case> cases(1);
    cases[0].name = "a";
    BATON_TRY_VOID(engine::put_discovery(c, "pay", "checkout", cases, ""));
    return true;
  });
  ASSERT_TRUE(listed) << listed.error().message;
  const std::string changed =
      R"({"kind":"junit","command":["./run.sh"],"owner":"me","timeout":"5m"})";
  EXPECT_EQ(server.put(path, changed, {{"If-Match", "\"r999\""}}).status, 412);
  EXPECT_EQ(server.put(path, changed, {{"If-None-Match", "*"}}).status, 412) << "it exists";
  EXPECT_EQ(server.put(path + "2", kSuite, {{"If-None-Match", "*"}}).status, 201);
  const Reply again = server.put(path, changed, {{"If-Match", etag}});
  EXPECT_EQ(again.status, 200) << again.text;
  EXPECT_NE(again.headers.get("ETag"), etag);
  EXPECT_EQ(again.integer("timeout_ms"), 300'000);
  EXPECT_EQ(server.put(path, again.text).status, 200) << "what was read can be sent back";
  expect_shape(server.get("/api/v1/suites"), "SuiteList");
  EXPECT_EQ(server.del(path).status, 204);
  EXPECT_EQ(server.get(path).status, 404);
}

TEST(Suites, names_that_cannot_be_are_refused) {
  TestServer server;
  for (const char* name :
       {"..", ".x", "-x", "a%20b", "a%2Fb", "a%0Ab", "%00", "%ff", "a%27%22%3C"}) {
    const int status = server.put(std::string("/api/v1/suites/pay/") + name, kSuite).status;
    EXPECT_TRUE(status == 400 || status == 404) << name << " " << status;
  }
  EXPECT_EQ(server.put("/api/v1/suites/pay/" + std::string(101, 'a'), kSuite).status, 400);
  EXPECT_EQ(server.put("/api/v1/suites/pay/x", R"({"kind":"cpp","command":["x"]})").status, 400);
  EXPECT_EQ(server.put("/api/v1/suites/pay/x", R"({"kind":"junit","comand":["x"]})").status, 400);
}

TEST(Suites, lists_page_by_name) {
  TestServer server;
  for (const char* name : {"c", "a", "b"})
    server.put(std::string("/api/v1/suites/default/") + name, kSuite);
  const Reply first = server.get("/api/v1/suites?limit=2");
  ASSERT_EQ(first.at("items").as_array().size(), 2U);
  EXPECT_EQ(first.at("items").at(0).at("name").as_string(), "a");
  const Reply second = server.get("/api/v1/suites?limit=2&cursor=" + first.string("next_cursor"));
  ASSERT_EQ(second.at("items").as_array().size(), 1U) << second.text;
  EXPECT_EQ(second.at("items").at(0).at("name").as_string(), "c");
}

TEST(Schedules, live_from_declaration_to_removal) {
  TestServer server;
  server.start_run();
  const std::string path = "/api/v1/schedules/nightly";
  const Reply made =
      server.put(path, R"({"suite":"smoke","cron":"0 2 * * *","time_zone":"Europe/Vienna"})");
  EXPECT_EQ(made.status, 201) << made.text;
  expect_shape(made, "Schedule");
  EXPECT_FALSE(made.at("next_at").is_null());
  EXPECT_TRUE(server.post(path + "/pause").at("paused").as_bool());
  EXPECT_FALSE(server.post(path + "/resume").at("paused").as_bool());
  const std::string paused = R"({"suite":"smoke","cron":"0 2 * * *","paused":true})";
  EXPECT_TRUE(server.put(path, paused).at("paused").as_bool());
  const std::string silent = R"({"suite":"smoke","cron":"0 3 * * *"})";
  EXPECT_TRUE(server.put(path, silent).at("paused").as_bool()) << "left out, it stays";
  const std::string resumed = R"({"suite":"smoke","cron":"0 3 * * *","paused":false})";
  EXPECT_FALSE(server.put(path, resumed).at("paused").as_bool());
  const Reply run = server.post(path + "/trigger");
  EXPECT_EQ(run.status, 201) << run.text;
  EXPECT_EQ(server.get(path).integer("last_run"), run.integer("id"));
  EXPECT_EQ(
      server.put(path, R"({"suite":"smoke","cron":"* * * * *"})", {{"If-Match", "\"x\""}}).status,
      412);
  EXPECT_EQ(server.put(path, resumed, {{"If-None-Match", "*"}}).status, 412);
  EXPECT_EQ(server.put(path, R"({"suite":"smoke","cron":"0 0 31 2 *"})").status, 400);
  EXPECT_EQ(server.put(path, R"({"suite":"smoke","cron":"nonsense"})").status, 400);
  EXPECT_EQ(server.put(path, R"({"suite":"smoke","cron":"@daily","time_zone":"Mars/X"})").status,
            400);
  EXPECT_EQ(server.put(path, R"({"suite":"nope","cron":"@daily"})").status, 404);
  expect_shape(server.get("/api/v1/schedules"), "ScheduleList");
  EXPECT_EQ(server.get("/api/v1/suites/default/smoke").at("schedules").at(0).as_string(),
            "nightly");
  EXPECT_EQ(server.del(path).status, 204);
  EXPECT_EQ(server.get(path).status, 404);
  EXPECT_EQ(server.post(path + "/trigger").status, 404);
}

TEST(Journal, is_read_from_a_position_and_waited_for) {
  TestServer server;
  const auto id = server.start_run();
  const Reply all = server.get("/api/v1/events?after=0");
  expect_shape(all, "EventList");
  ASSERT_FALSE(all.at("items").as_array().empty());
  std::int64_t before = 0;
  for (const auto& item : all.at("items").as_array()) {
    EXPECT_GT(item.at("seq").as_int64(), before);
    before = item.at("seq").as_int64();
  }
  EXPECT_EQ(
      server.get("/api/v1/events?after=" + std::to_string(before)).at("items").as_array().size(),
      0U);
  const std::string subject = fmt::format("run:{}", id);
  EXPECT_GE(server.get("/api/v1/events?subject=" + subject).at("items").as_array().size(), 2U);
  std::size_t found = 0;
  std::thread waiter([&] {
    net::Client client;
    net::HttpRequest request;
    request.url =
        fmt::format("{}/api/v1/events?after={}&wait=30s&kind=suite.", server.url(), before);
    request.headers = {{"X-API-KEY", server.secret("viewer")}};
    const auto response = client.request(request);
    if (response) found = boost::json::parse(response->body).at("items").as_array().size();
  });
  while (server.context().watch.waiting() == 0) std::this_thread::yield();
  server.put("/api/v1/suites/pay/new", kSuite);
  waiter.join();
  EXPECT_EQ(found, 1U);
  EXPECT_EQ(server.get("/api/v1/events?after=x").status, 400);
  const auto last = server.get("/api/v1/events?after=0&limit=500").integer("last_seq");
  EXPECT_EQ(server.get("/api/v1/events?after=999999999").integer("last_seq"), last);
  std::string path = "/api/v1/events?limit=2";
  std::size_t read = 0;
  while (!path.empty()) {
    const Reply page = server.get(path);
    expect_shape(page, "EventList");
    read += page.at("items").as_array().size();
    const std::string link{page.headers.get("Link")};
    EXPECT_EQ(link.empty(), page.json.get_object().if_contains("next_cursor") == nullptr);
    path = link.empty() ? "" : link.substr(1, link.find('>') - 1);
  }
  EXPECT_EQ(read, server.get("/api/v1/events?limit=500").at("items").as_array().size());
}

TEST(Journal, streams_with_its_positions_as_ids) {
  TestServer server;
  server.start_run();
  const net::Headers stream{{"Accept", "text/event-stream"}};
  const auto first = server.events("/api/v1/events", stream, [](const auto&) { return true; });
  ASSERT_EQ(first.size(), 1U);
  net::Headers resume = stream;
  resume.add("Last-Event-ID", first[0].id);
  const auto next = server.events("/api/v1/events", resume, [](const auto&) { return true; });
  ASSERT_EQ(next.size(), 1U);
  EXPECT_GT(std::stoll(next[0].id), std::stoll(first[0].id));
}

TEST(Metrics, count_what_happened_with_handoffs_series) {
  TestServer server;
  const auto id = server.start_run();
  server.start_run();
  Runner(server, id).play({{"a", Outcome::passed}, {"b", Outcome::failed}, {"b", Outcome::passed}});
  const Reply reply = server.get("/metrics");
  EXPECT_EQ(reply.status, 200);
  const std::string suite = R"({instance="test",namespace="default",suite_name="smoke")";
  for (const std::string& line :
       {"handoff_testsuites_running" + suite + "} 1",
        "handoff_testsuites_started_total" + suite + R"(,result="passed",flaky="1"} 1)",
        "handoff_tests_run_total" + suite + R"(,result="passed"} 2)",
        "handoff_tests_run_total" + suite + R"(,result="failed"} 1)",
        std::string(R"(baton_runs_total{suite="default/smoke",verdict="passed"} 1)"),
        std::string(R"(baton_attempts_total{suite="default/smoke",outcome="failed"} 1)"),
        std::string("baton_runs_running 1"),
        std::string(R"(baton_run_duration_seconds_count{verdict="passed"} 1)"),
        std::string(
            "baton_http_request_duration_seconds_bucket{method=\"POST\",route=\"/api/v1/runs\"")})
    EXPECT_NE(reply.text.find(line), std::string::npos) << line << "\n" << reply.text;
  EXPECT_EQ(server.get("/metrics").text.find(R"(verdict="passed"} 2)"), std::string::npos);
}

TEST(Service, starts_no_run_while_it_stops) {
  TestServer server;
  const auto run = server.start_run();
  const std::string path = fmt::format("/api/v1/runs/{}", run);
  server.context().stopping = true;
  for (const std::string& refused :
       {std::string{"/api/v1/runs"}, path + "/rerun", std::string{"/api/v1/schedules/s/trigger"},
        std::string{"/api/v1/reports?suite=a"}, std::string{"/suites/smoke/runs"}}) {
    const Reply reply = server.post(refused, "{}");
    EXPECT_EQ(reply.status, 503) << refused << reply.text;
    EXPECT_NE(reply.headers.get("Retry-After"), "");
    EXPECT_NE(reply.string("fix"), "");
  }
  EXPECT_EQ(server.get(path).status, 200);
  EXPECT_EQ(server.post(path + "/cancel", "{}").status, 200);
}

TEST(Service, tells_its_health) {
  TestServer server;
  EXPECT_EQ(server.get("/livez").string("status"), "ok");
  EXPECT_EQ(server.get("/readyz").status, 200);
  server.context().not_ready = [] { return std::string("migrating"); };
  const Reply starting = server.get("/readyz");
  EXPECT_EQ(starting.status, 503);
  EXPECT_EQ(starting.string("status"), "starting");
  expect_shape(starting, "Health");
  server.context().stopping = true;
  EXPECT_EQ(server.get("/readyz").string("status"), "draining");
  server.context().stopping = false;
  EXPECT_EQ(server.get("/openapi.json").string("openapi"), "3.1.0");
  EXPECT_EQ(server.get("/api/v1/config.schema.json", {{"Authorization", "Bearer no"}}).text, "{}");
}

}  // namespace
}  // namespace baton::api
