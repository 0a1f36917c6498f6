// SPDX-License-Identifier: MIT
#include "links/testkube_api.h"

#include <gtest/gtest.h>

#include "links/testkube_for_test.h"

namespace baton::links {
namespace {

using model::GateVerdict;

constexpr std::string_view kExecution =
    R"({"id":"e1","groupId":"g1","name":"smoke-1","scheduledAt":"2026-01-02T03:04:05.678Z",)"
    R"("statusAt":"2026-01-02T03:05:00Z","tags":{"build":"42"},"workflow":{"name":"smoke"},)"
    R"("result":{"status":"failed","finishedAt":"2026-01-02T03:05:00Z",)"
    R"("initialization":{"errorMessage":""},"steps":{"r1":{"status":"failed",)"
    R"("errorMessage":"exit code 1"}}},)"
    R"("reports":[{"summary":{"tests":10,"failed":2,"errored":1}},{"summary":{"tests":5}}]})";

std::string with_result(std::string_view result) {
  return fmt::format(R"({{"id":"e1","result":{}}})", result);
}

TEST(TestkubeApi, an_execution_is_read_from_an_object_and_from_an_array_of_one) {
  for (const std::string& body : {std::string(kExecution), fmt::format("[{}]", kExecution)}) {
    const auto read = parse_testkube_execution(body);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->id, "e1");
    EXPECT_EQ(read->group, "g1");
    EXPECT_EQ(read->name, "smoke-1");
    EXPECT_EQ(read->workflow, "smoke");
    EXPECT_EQ(read->tags.at("build"), "42");
    EXPECT_TRUE(read->finished);
    EXPECT_EQ(read->problem, "exit code 1");
    EXPECT_EQ(read->tests, 15);
    EXPECT_EQ(read->tests_failed, 3);
    EXPECT_EQ(format_rfc3339(*read->scheduled_at), "2026-01-02T03:04:05.678Z");
  }
}

TEST(TestkubeApi, it_has_ended_when_its_status_and_its_time_say_so) {
  const auto read = [](std::string_view result) {
    return parse_testkube_execution(with_result(result)).value();
  };
  EXPECT_EQ(verdict_of(read("null")), GateVerdict::none);
  EXPECT_EQ(read("null").status, "queued");
  EXPECT_EQ(verdict_of(read(R"({"status":"passed","finishedAt":"0001-01-01T00:00:00Z"})")),
            GateVerdict::none);
  EXPECT_EQ(verdict_of(read(R"({"status":"passed"})")), GateVerdict::none);
  EXPECT_EQ(verdict_of(read(R"({"status":"evaluating","finishedAt":"2026-01-01T00:00:00Z"})")),
            GateVerdict::none);
  const auto ended = [&](std::string_view status) {
    return verdict_of(
        read(fmt::format(R"({{"status":"{}","finishedAt":"2026-01-01T00:00:00Z"}})", status)));
  };
  EXPECT_EQ(ended("passed"), GateVerdict::passed);
  EXPECT_EQ(ended("failed"), GateVerdict::failed);
  EXPECT_EQ(ended("aborted"), GateVerdict::errored);
  EXPECT_EQ(ended("canceled"), GateVerdict::cancelled);
}

TEST(TestkubeApi, a_huge_and_deep_workflow_does_no_harm) {
  std::string deep;
  for (int i = 0; i < 60; ++i) deep += R"({"steps":[)";
  for (int i = 0; i < 60; ++i) deep += "]}";
  const std::string body =
      fmt::format(R"({{"id":"e1","workflow":{{"name":"w","spec":{},"text":"{}"}}}})", deep,
                  std::string(1 << 20, 'x'));
  EXPECT_EQ(parse_testkube_execution(body).value().workflow, "w");
}

TEST(TestkubeApi, what_is_no_execution_is_no_verdict) {
  for (const char* body : {"", "[]", "null", "{}", "<html>", R"({"id":7})", "[[]]"})
    EXPECT_EQ(parse_testkube_execution(body).error().code, Code::unavailable) << body;
  EXPECT_EQ(parse_testkube_page(R"({"message":"x"})").error().code, Code::unavailable);
  EXPECT_TRUE(parse_testkube_page(R"({"results":null})").value().executions.empty());
  EXPECT_TRUE(
      parse_testkube_page(R"({"results":[null,1,{"name":"x"}]})").value().executions.empty());
}

TEST(TestkubeApi, a_list_names_its_page_and_a_selector_only_when_testkube_understands_it) {
  TestHttp http({answer(200, R"({"results":[]})"), answer(200, R"({"results":[]})"),
                 answer(200, R"({"results":[]})")});
  const auto profile = testkube_profile();
  TestkubeApi api(profile, http);
  ASSERT_TRUE(api.list(0));
  ASSERT_TRUE(api.list(2, "build=a.b-1"));
  ASSERT_TRUE(api.list(0, "k=a=b"));
  const std::string list = "GET http://tk:8088/v1/test-workflow-executions?";
  EXPECT_EQ(http.calls(),
            (std::vector<std::string>{list + "page=0&pageSize=100",
                                      list + "page=2&pageSize=100&tagSelector=build%3Da.b-1",
                                      list + "page=0&pageSize=100"}));
}

TEST(TestkubeApi, tags_are_compared_whole) {
  TestkubeExecution execution;
  execution.tags = {{"build", "42"}, {"k", "a=b"}};
  EXPECT_TRUE(has_tag(execution, "build=42"));
  EXPECT_FALSE(has_tag(execution, "build=4"));
  EXPECT_FALSE(has_tag(execution, "build"));
  EXPECT_TRUE(has_tag(execution, "k=a=b"));
  EXPECT_TRUE(is_plain_tag("build=42"));
  for (const char* tag : {"a=b=c", "a", "=a", "a=", "a=b,c", "a=(b)", "a=b c"})
    EXPECT_FALSE(is_plain_tag(tag)) << tag;
}

TEST(TestkubeApi, a_control_plane_has_a_token_and_paths_of_its_own) {
  TestHttp http({answer(200, std::string(kExecution))});
  auto profile = testkube_profile();
  profile.url = "https://api.tk/organizations/o/environments/e/agent/";
  profile.token = {"tkcapi_x"};
  TestkubeApi api(profile, http);
  ASSERT_TRUE(api.get("a/b"));
  EXPECT_EQ(http.calls()[0],
            "GET https://api.tk/organizations/o/environments/e/agent/test-workflow-executions/"
            "a%2Fb");
  EXPECT_EQ(http.sent[0].headers.get("Authorization"), "Bearer tkcapi_x");
}

TEST(TestkubeApi, a_start_carries_its_tags_and_is_checked) {
  FakeTestkube testkube;
  const auto profile = testkube_profile();
  TestkubeApi api(profile, testkube);
  const auto started = api.start({"smoke", {{"url", "x"}}, {{"baton-gate", "gat_1"}}});
  ASSERT_TRUE(started) << started.error().message;
  EXPECT_EQ(started->tags.at("baton-gate"), "gat_1");
  ASSERT_EQ(testkube.sent.size(), 1U);
  EXPECT_EQ(testkube.sent[0].url, "http://tk:8088/v1/test-workflows/smoke/executions");
  EXPECT_EQ(testkube.sent[0].headers.get("Content-Type"), "application/json");
  EXPECT_EQ(testkube.sent[0].body,
            R"({"config":{"url":"x"},"tags":{"baton-gate":"gat_1"},"runningContext":)"
            R"({"interface":{"type":"ci/cd"},"actor":{"type":"program","name":"baton"}}})");
}

TEST(TestkubeApi, what_was_started_without_its_body_is_aborted) {
  FakeTestkube testkube;
  testkube.ignores_bodies = true;
  const auto profile = testkube_profile();
  TestkubeApi api(profile, testkube);
  EXPECT_EQ(api.start({"smoke", {}, {{"baton-gate", "gat_1"}}}).error().code, Code::conflict);
  EXPECT_EQ(testkube.executions[0].status, "aborted");
}

TEST(TestkubeApi, to_abort_what_has_ended_or_is_gone_is_no_fault) {
  FakeTestkube testkube;
  testkube.add("e1");
  testkube.finish("e1", "passed");
  const auto profile = testkube_profile();
  TestkubeApi api(profile, testkube);
  EXPECT_TRUE(api.abort("e1"));
  EXPECT_TRUE(api.abort("e2"));
  testkube.down = true;
  EXPECT_EQ(api.abort("e1").error().code, Code::unavailable);
}

TEST(TestkubeApi, refusals_say_what_kind_they_are) {
  const std::vector<std::pair<int, Code>> table{
      {404, Code::not_found},     {401, Code::unauthenticated}, {403, Code::unauthenticated},
      {400, Code::unprocessable}, {302, Code::unprocessable},   {429, Code::unavailable},
      {500, Code::unavailable},   {502, Code::unavailable}};
  const auto profile = testkube_profile();
  for (const auto& [status, code] : table) {
    TestHttp http({answer(status, std::string(2'000, 'x') + "\xff")});
    const auto refused = TestkubeApi(profile, http).get("e1");
    EXPECT_EQ(refused.error().code, code) << status;
    EXPECT_LT(refused.error().message.size(), 600U);
    EXPECT_FALSE(refused.error().fix.empty());
  }
  TestHttp http({no_answer()});
  EXPECT_EQ(TestkubeApi(profile, http).get("e1").error().code, Code::unreachable);
}

TEST(TestkubeApi, a_stream_gives_its_bytes_and_a_refusal_gives_none) {
  const auto profile = testkube_profile();
  TestHttp http;
  int status = 200;
  http.on_send = [&](const net::HttpRequest& request) {
    request.on_head(status, {});
    request.on_data("abc");
    return answer(status);
  };
  TestkubeApi api(profile, http);
  std::string got;
  const auto take = [&](std::string_view bytes) {
    got += bytes;
    return true;
  };
  ASSERT_TRUE(api.notifications("e1", 7, take));
  EXPECT_EQ(got, "abc");
  EXPECT_EQ(http.sent[0].url,
            "http://tk:8088/v1/test-workflow-executions/e1/notifications?resumeAfterSeqNo=7");
  status = 500;
  const auto refused = api.log("e1", take);
  EXPECT_EQ(got, "abc");
  EXPECT_EQ(refused.error().code, Code::unavailable);
  EXPECT_NE(refused.error().message.find("abc"), std::string::npos);
}

}  // namespace
}  // namespace baton::links
