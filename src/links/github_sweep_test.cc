// SPDX-License-Identifier: MIT
#include "links/github_sweep.h"

#include <gtest/gtest.h>

#include <map>

#include "links/peer_for_test.h"
#include "links/signature.h"

namespace baton::links {
namespace {

constexpr const char* kSha = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";
constexpr const char* kRepo = "https://api.github.com/repos/corp/shop";

class GithubSweepTest : public ::testing::Test {
 protected:
  GithubSweepTest() {
    profile_ = profile_of(model::LinkKind::github, "https://api.github.com");
    profile_.app_id = 7;
    profile_.token.value = "pat";
    profile_.repositories = {"corp/shop"};
    profile_.defaults = R"({"subject":{"external":true},"timeout":"2h"})";
    says("/actions/runs?status=waiting&per_page=100",
         fmt::format(R"({{"workflow_runs":[{{"id":9,"head_sha":"{}"}}]}})", kSha));
    says("/actions/runs/9/pending_deployments", R"([{"environment":{"name":"prod eu"}}])");
    says("/environments/prod%20eu/deployment_protection_rules",
         R"({"custom_deployment_protection_rules":[{"enabled":true,"app":{"id":3}},)"
         R"({"enabled":true,"app":{"id":7}}]})");
    deployments_ = fmt::format("/deployments?environment=prod%20eu&sha={}&per_page=30", kSha);
    says(deployments_, fmt::format(R"([{{"id":43,"environment":"prod eu","sha":"{0}"}},)"
                                   R"({{"id":42,"environment":"prod eu","sha":"{0}"}},)"
                                   R"({{"id":41,"environment":"prod","sha":"{0}"}}])",
                                   kSha));
    says("/deployments/43/statuses?per_page=1",
         R"([{"state":"waiting","log_url":"https://github.com/corp/shop/actions/runs/90/job/1"}])");
    says("/deployments/42/statuses?per_page=1",
         R"([{"state":"waiting","log_url":"https://github.com/corp/shop/actions/runs/9/job/1"}])");
    http_.on_send = [this](const net::HttpRequest& request) -> Answer {
      const auto found = answers_.find(request.url);
      return found == answers_.end() ? answer(404) : found->second;
    };
  }
  void says(std::string_view path, std::string body) {
    answers_.insert_or_assign(kRepo + std::string{path}, answer(200, std::move(body)));
  }
  GithubSweep sweep() {
    http_.sent.clear();
    return sweep_github(profile_, http_, kTestNow);
  }

  model::LinkProfile profile_;
  std::string deployments_;
  std::map<std::string, Answer> answers_;
  TestHttp http_;
};

TEST_F(GithubSweepTest, finds_the_gate_that_the_webhook_would_have_opened) {
  const GithubSweep found = sweep();
  EXPECT_EQ(found.problems, std::vector<std::string>{});
  ASSERT_EQ(found.waiting.size(), 1U);
  net::Request request;
  request.headers = {{"X-GitHub-Event", "deployment_protection_rule"}};
  request.body = fmt::format(
      R"({{"action":"requested","environment":"prod eu","deployment_callback_url":"{}",)"
      R"("deployment":{{"id":42,"sha":"{}"}},"repository":{{"full_name":"corp/shop"}}}})",
      std::string{kRepo} + "/actions/runs/9/deployment_protection_rule", kSha);
  profile_.secrets = {{"hush"}};
  request.headers.set("X-Hub-Signature-256", "sha256=" + to_hex(hmac_sha256("hush", request.body)));
  const auto inbound = read_inbound({request, profile_, kTestNow});
  ASSERT_TRUE(inbound) << inbound.error().message;
  const auto& told = std::get<OpenGate>(*inbound);
  const OpenGate& seen = found.waiting[0];
  EXPECT_EQ(seen.ident, told.ident);
  EXPECT_EQ(seen.request.name, told.request.name);
  EXPECT_EQ(seen.request.labels, told.request.labels);
  ASSERT_EQ(seen.request.deliver.size(), told.request.deliver.size());
  for (std::size_t i = 0; i < seen.request.deliver.size(); ++i) {
    EXPECT_EQ(seen.request.deliver[i].op, told.request.deliver[i].op);
    EXPECT_EQ(seen.request.deliver[i].fields, told.request.deliver[i].fields);
  }
}

TEST_F(GithubSweepTest, rules_of_others_are_none_of_our_business) {
  for (const char* rules :
       {R"([{"enabled":true,"app":{"id":3}}])", R"([{"enabled":false,"app":{"id":7}}])", "[]"}) {
    says("/environments/prod%20eu/deployment_protection_rules",
         fmt::format(R"({{"custom_deployment_protection_rules":{}}})", rules));
    const GithubSweep found = sweep();
    EXPECT_TRUE(found.waiting.empty());
    EXPECT_TRUE(found.problems.empty());
    EXPECT_EQ(http_.sent.size(), 3U);
  }
}

TEST_F(GithubSweepTest, a_merge_commit_is_looked_for_in_its_environment) {
  says(deployments_, "[]");
  says("/deployments?environment=prod%20eu&per_page=10",
       R"([{"id":42,"environment":"prod eu","sha":"merge"}])");
  const GithubSweep found = sweep();
  ASSERT_EQ(found.waiting.size(), 1U);
  EXPECT_EQ(found.waiting[0].request.labels.at("sha"), "merge");
}

TEST_F(GithubSweepTest, what_cannot_be_told_is_not_guessed) {
  says("/deployments?environment=prod%20eu&per_page=10", "[]");
  for (const char* last :
       {"[]",
        R"([{"state":"success","log_url":"https://github.com/corp/shop/actions/runs/9/job/1"}])",
        R"([{"state":"waiting","log_url":""}])", R"([{"state":"waiting"}])"}) {
    says("/deployments/42/statuses?per_page=1", last);
    const GithubSweep found = sweep();
    EXPECT_TRUE(found.waiting.empty()) << last;
    ASSERT_EQ(found.problems.size(), 1U) << last;
    EXPECT_EQ(found.problems[0],
              "corp/shop: run 9 waits for prod eu, but which deployment that is cannot be told");
  }
}

TEST_F(GithubSweepTest, a_repository_that_cannot_be_read_hides_no_other) {
  profile_.repositories = {"corp/nix", "corp/shop"};
  const GithubSweep found = sweep();
  EXPECT_EQ(found.waiting.size(), 1U);
  ASSERT_EQ(found.problems.size(), 1U);
  EXPECT_TRUE(found.problems[0].starts_with("corp/nix: GET /repos/corp/nix/actions/runs"));
  for (const auto& [url, told] : std::map(answers_)) {
    answers_.insert_or_assign(url, answer(502));
    EXPECT_TRUE(sweep().waiting.empty()) << url;
    answers_.insert_or_assign(url, told);
  }
}

}  // namespace
}  // namespace baton::links
