// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

#include <filesystem>
#include <fstream>
#include <thread>

#include "api/test_server.h"

namespace baton::api {
namespace {

using model::Outcome;

TEST(Runs, a_run_goes_from_queued_to_a_verdict_with_all_its_attempts) {
  TestServer server;
  const auto id = server.start_run(
      "smoke", R"(,"reference":"r7","labels":{"a":"b"},"params":{"N":3},"branch":"main")");
  const std::string path = fmt::format("/api/v1/runs/{}", id);
  Runner(server, id).play({{"a", Outcome::passed}, {"b", Outcome::failed}, {"b", Outcome::passed}});
  const Reply run = server.get(path);
  EXPECT_EQ(run.status, 200);
  expect_shape(run, "Run");
  EXPECT_EQ(run.string("state"), "finished");
  EXPECT_EQ(run.string("verdict"), "passed");
  EXPECT_TRUE(run.at("flaky").as_bool());
  EXPECT_EQ(run.string("suite"), "smoke");
  EXPECT_EQ(run.at("params").at("N").as_string(), "3");
  const Reply tests = server.get(path + "/tests");
  expect_shape(tests, "CaseList");
  ASSERT_EQ(tests.at("items").as_array().size(), 2U) << tests.text;
  EXPECT_EQ(tests.at("items").at(1).at("verdict").as_string(), "flaky");
  EXPECT_EQ(tests.at("items").at(1).at("attempts").as_array().size(), 2U);
  EXPECT_EQ(server.get(path + "/tests?verdict=flaky").at("items").as_array().size(), 1U);
  EXPECT_EQ(server.get(path + "/tests?verdict=red").status, 400);
  const Reply junit = server.get(path + "/junit.xml");
  EXPECT_EQ(junit.status, 200);
  EXPECT_NE(junit.text.find("flakyFailure"), std::string::npos);
  EXPECT_NE(junit.text.find("hello from b 1"), std::string::npos);
  EXPECT_EQ(server.get(path + "/ctrf.json").at("reportFormat").as_string(), "CTRF");
}

TEST(Runs, start_refuses_what_is_wrong_and_names_it) {
  TestServer server;
  server.start_run();
  const auto code = [&](std::string body, int status) {
    const Reply reply = server.post("/api/v1/runs", std::move(body));
    EXPECT_EQ(reply.status, status) << reply.text;
    expect_shape(reply, "Problem");
    EXPECT_EQ(reply.headers.get("Content-Type"), "application/problem+json");
    EXPECT_EQ(reply.string("request_id"), reply.headers.get("X-Request-Id"));
    return reply;
  };
  EXPECT_EQ(code(R"({"suite":"nothing"})", 404).code(), "not_found");
  EXPECT_EQ(code(R"({"suite":"smoke","filter":"("})", 400).code(), "invalid");
  EXPECT_EQ(
      code(R"({"suite":"smoke","colour":1})", 400).at("errors").at(0).at("pointer").as_string(),
      "/colour");
  code("", 400);
  code("{", 400);
  code("[]", 400);
  code(std::string(40, '['), 400);
  code(R"({"suite":"smoke","suite":"smoke"})", 400);
  code(R"({"suite":"../../etc/passwd"})", 404);
  code(R"({"suite":"smoke","labels":[]})", 400);
  const Reply huge = server.post("/api/v1/runs", std::string(3 << 20, 'x'));
  EXPECT_EQ(huge.status, 413);
  EXPECT_EQ(huge.code(), "too_large");
  expect_shape(huge, "Problem");
}

TEST(Runs, lists_pages_filters_and_searches) {
  TestServer server;
  for (int i = 0; i < 5; ++i)
    server.start_run("smoke",
                     fmt::format(R"(,"reference":"ref{}","labels":{{"n":"{}"}})", i, i % 2));
  server.start_run("other");
  const Reply first = server.get("/api/v1/runs?suite=default/smoke&limit=2");
  expect_shape(first, "RunList");
  ASSERT_EQ(first.at("items").as_array().size(), 2U);
  EXPECT_EQ(first.at("items").at(0).at("reference").as_string(), "ref4") << "newest first";
  EXPECT_NE(first.headers.get("Link").find("rel=\"next\""), std::string::npos);
  std::string path{first.headers.get("Link")};
  path = path.substr(1, path.find('>') - 1);
  const Reply second = server.get(path);
  EXPECT_EQ(second.at("items").at(0).at("reference").as_string(), "ref2") << second.text;
  EXPECT_EQ(server.get("/api/v1/runs?label=n=1").at("items").as_array().size(), 2U);
  EXPECT_EQ(server.get("/api/v1/runs?reference=ref3").at("items").as_array().size(), 1U);
  EXPECT_EQ(server.get("/api/v1/runs?q=ref3").at("items").as_array().size(), 1U);
  EXPECT_EQ(server.get("/api/v1/runs?limit=100000").status, 200);
  for (const char* bad : {"limit=0", "limit=x", "cursor=zzz", "state=gone", "verdict=x", "label=x"})
    EXPECT_EQ(server.get(std::string("/api/v1/runs?") + bad).status, 400) << bad;
}

TEST(Runs, idempotency_keys_replay_and_conflict) {
  TestServer server;
  server.start_run();
  const net::Headers key{{"Idempotency-Key", "k1"}};
  const Reply first = server.post("/api/v1/runs", R"({"suite":"smoke"})", key);
  const Reply again = server.post("/api/v1/runs", R"({"suite":"smoke"})", key);
  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.text, first.text);
  EXPECT_EQ(again.headers.get("Location"), first.headers.get("Location"));
  EXPECT_EQ(again.headers.get("Idempotency-Replayed"), "true");
  EXPECT_EQ(first.headers.get("Idempotency-Replayed"), "");
  EXPECT_EQ(server.post("/api/v1/runs", R"({"suite":"smoke","reference":"x"})", key).status, 409);
  EXPECT_EQ(server.post("/api/v1/runs", R"({"suite":"nope"})", key).status, 404);
  const net::Headers long_key{{"Idempotency-Key", std::string(300, 'k')}};
  EXPECT_EQ(server.post("/api/v1/runs", R"({"suite":"smoke"})", long_key).status, 400);
}

TEST(Runs, wait_ends_when_the_state_changes_and_not_before) {
  TestServer server;
  const auto id = server.start_run();
  const std::string path = fmt::format("/api/v1/runs/{}", id);
  EXPECT_EQ(server.get(path).string("state"), "running");
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(server.get(path + "?wait=200ms").string("state"), "running");
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(190));
  std::string state;
  std::thread waiter([&] {
    net::Client client;
    net::HttpRequest request;
    request.url = server.url() + path + "?wait=30s";
    request.headers = {{"X-API-KEY", server.secret("viewer")}};
    const auto response = client.request(request);
    if (response) state = boost::json::parse(response->body).at("state").as_string();
  });
  while (server.context().watch.waiting() == 0) std::this_thread::yield();
  const auto start = std::chrono::steady_clock::now();
  Runner(server, id).play({{"a", Outcome::passed}});
  waiter.join();
  EXPECT_EQ(state, "finished");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_EQ(server.context().watch.waiting(), 0U);
  EXPECT_EQ(server.get(path + "?wait=soon").status, 400);
}

TEST(Runs, cancel_rerun_and_delete) {
  TestServer server;
  const auto id = server.start_run();
  const std::string path = fmt::format("/api/v1/runs/{}", id);
  EXPECT_EQ(server.del(path).status, 409) << "not finished";
  EXPECT_EQ(server.post(path + "/rerun").status, 409);
  const Reply cancelled = server.post(path + "/cancel", R"({"reason":"late"})");
  EXPECT_EQ(cancelled.status, 200);
  EXPECT_EQ(cancelled.string("cancel_reason"), "late");
  Runner runner(server, id);
  const Reply answer = runner.send({});
  EXPECT_TRUE(answer.at("cancel").as_bool());
  runner.send({wire::FinishedRecord{model::Ending::cancelled, "", from_ms(1)}});
  EXPECT_EQ(server.get(path).string("verdict"), "cancelled");
  EXPECT_EQ(server.post(path + "/cancel").status, 200) << "repeating is harmless";
  const Reply again = server.post(path + "/rerun");
  EXPECT_EQ(again.status, 201) << again.text;
  EXPECT_EQ(again.integer("rerun_of"), id);
  EXPECT_EQ(server.del(path).status, 204);
  EXPECT_EQ(server.get(path).status, 410);
  EXPECT_EQ(server.get("/api/v1/runs/9999").status, 404);
  EXPECT_EQ(server.get("/api/v1/runs/abc").status, 404);
  EXPECT_EQ(server.get("/api/v1/runs/-1").status, 404);
  EXPECT_EQ(server.get("/api/v1/runs/99999999999999999999").status, 404);
  const Reply audit = server.get("/api/v1/audit");
  EXPECT_EQ(audit.at("items").at(0).at("action").as_string(), "run.delete");
}

TEST(Runs, beyond_the_queue_limit_the_answer_is_429) {
  TestServer server({.queued_runs = 1, .running_runs = 1});
  server.start_run();
  server.start_run();
  const Reply refused = server.post("/api/v1/runs", R"({"suite":"smoke"})");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.code(), "limit");
  EXPECT_NE(refused.headers.get("Retry-After"), "");
}

TEST(Reports, an_uploaded_report_becomes_a_finished_run) {
  TestServer server;
  const std::string xml =
      R"(<testsuite name="s"><testcase name="a" classname="c" time="0.5">)"
      R"(<system-out>hi</system-out></testcase>)"
      R"(<testcase name="b" classname="c"><failure message="no">x</failure></testcase>)"
      R"(</testsuite>)";
  const Reply run = server.post("/api/v1/reports?suite=ext/unit&reference=v1&label=k=v", xml,
                                {{"Content-Type", "application/xml"}, {"Idempotency-Key", "u"}});
  ASSERT_EQ(run.status, 201) << run.text;
  expect_shape(run, "Run");
  EXPECT_EQ(run.string("verdict"), "failed");
  EXPECT_EQ(run.string("namespace"), "ext");
  EXPECT_EQ(run.at("counts").at("total").as_int64(), 2);
  const std::string path = "/api/v1/runs/" + std::to_string(run.integer("id"));
  const Reply tests = server.get(path + "/tests");
  EXPECT_EQ(tests.at("items").as_array().size(), 2U);
  const std::string name{tests.at("items").at(0).at("name").as_string()};
  EXPECT_EQ(server.get(path + "/log?test=" + name).text, "hi");
  const Reply again = server.post("/api/v1/reports?suite=ext/unit&reference=v1&label=k=v", xml,
                                  {{"Content-Type", "application/xml"}, {"Idempotency-Key", "u"}});
  EXPECT_EQ(again.integer("id"), run.integer("id"));
  EXPECT_EQ(again.headers.get("Idempotency-Replayed"), "true");
}

constexpr const char* kTalkative =
    R"(<testsuite name="s"><testcase name="a"><system-out>hi</system-out></testcase></testsuite>)";

TEST(Reports, a_run_is_not_there_without_its_logs) {
  TestServer server;
  const std::string folder = server.context().settings.spill_folder + "/runs";
  std::filesystem::remove_all(folder);
  std::ofstream(folder) << "in the way";
  EXPECT_EQ(server.post("/api/v1/reports?suite=ext", kTalkative).status, 503);
  EXPECT_EQ(server.get("/api/v1/runs").at("items").as_array().size(), 0U);
}

TEST(Reports, logs_are_not_there_without_their_run) {
  TestServer server;
  EXPECT_EQ(server.post("/api/v1/reports?suite=a/b/c", kTalkative).status, 400);
  const auto left = server.context().streams.log_size(RunId{1}, {.whole_run = true});
  ASSERT_TRUE(left) << left.error().message;
  EXPECT_EQ(left->bytes, 0);
}

// As attempts of one case, a pass on one platform would have hidden the failure on another.
TEST(Reports, a_case_of_two_files_is_two_cases) {
  for (const bool failure_first : {true, false}) {
    TestServer server;
    const std::string part =
        "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.xml\"\r\n\r\n";
    const std::string good = "<testsuite><testcase name=\"a\"/></testsuite>\r\n";
    const std::string bad = "<testsuite><testcase name=\"a\"><failure/></testcase></testsuite>\r\n";
    const std::string body = part + (failure_first ? bad : good) + part +
                             (failure_first ? good : bad) + "--B--\r\n";
    const Reply run = server.post("/api/v1/reports?suite=ext", body,
                                  {{"Content-Type", "multipart/form-data; boundary=B"}});
    EXPECT_EQ(run.status, 201) << run.text;
    EXPECT_EQ(run.at("verdict").as_string(), "failed");
    EXPECT_EQ(run.at("counts").at("total").as_int64(), 2);
    EXPECT_FALSE(run.at("flaky").as_bool());
  }
}

TEST(Reports, a_malformed_file_stores_nothing_and_says_where) {
  TestServer server;
  const std::string body =
      "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"good.xml\"\r\n\r\n"
      "<testsuite><testcase name=\"a\"/></testsuite>\r\n"
      "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"bad.xml\"\r\n\r\n"
      "<testsuite>\n<testcase name=\"b\">\r\n--B--\r\n";
  const net::Headers type{{"Content-Type", "multipart/form-data; boundary=B"}};
  const Reply refused = server.post("/api/v1/reports?suite=ext", body, type);
  EXPECT_EQ(refused.status, 422) << refused.text;
  EXPECT_NE(refused.text.find("bad.xml:"), std::string::npos);
  EXPECT_EQ(server.get("/api/v1/runs").at("items").as_array().size(), 0U);
  EXPECT_EQ(server.post("/api/v1/reports?suite=ext&partial=true", body, type).status, 201);
  EXPECT_EQ(server.post("/api/v1/reports?suite=ext", "").status, 400);
  EXPECT_EQ(server.post("/api/v1/reports", "<testsuite/>").status, 400);
  EXPECT_EQ(server.post("/api/v1/reports?suite=ext&format=csv", "x").status, 400);
  EXPECT_EQ(server.post("/api/v1/reports?suite=..%2Fx", "<testsuite/>").status, 400);
  const std::string bomb = "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><testsuite/>";
  EXPECT_EQ(server.post("/api/v1/reports?suite=ext", bomb).status, 422);
}

}  // namespace
}  // namespace baton::api
