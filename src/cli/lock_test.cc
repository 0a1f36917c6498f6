// SPDX-License-Identifier: MIT
// What the verbs of leases and environments make of their flags, and what they tell people.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <map>

#include "cli/asker.h"
#include "cli/env_declaration.h"
#include "cli/lock_exec.h"
#include "cli/lock_progress.h"
#include "cli/lock_request.h"
#include "cli/parse.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

Invocation parsed(std::vector<std::string> words) {
  words.insert(words.begin(), "baton");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  const Parsed result = parse(static_cast<int>(argv.size()), argv.data());
  EXPECT_NE(result.verb, nullptr);
  return result.invocation;
}

Variable variables(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const char* name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string{} : found->second;
  };
}

TEST(Lock, words_before_the_dashes_are_environments_and_those_behind_the_command) {
  const Invocation invocation = parsed({"lock", "exec", "uat", "db", "--wait", "10m", "--shared",
                                        "--priority", "-3", "--", "sh", "-c", "exit 3", "--wait"});
  EXPECT_EQ(invocation.arguments, (std::vector<std::string>{"uat", "db"}));
  EXPECT_EQ(invocation.rest, (std::vector<std::string>{"sh", "-c", "exit 3", "--wait"}));
  const auto request = lock_request(invocation);
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->wait, Duration{600'000});
  EXPECT_EQ(request->what, "uat, db");
  EXPECT_EQ(json::serialize(request->body.at("wants")),
            R"([{"environment":"uat","mode":"shared"},{"environment":"db","mode":"shared"}])");
  EXPECT_EQ(request->body.at("priority").as_int64(), -3);
  EXPECT_FALSE(request->body.contains("ttl"));
}

TEST(Lock, names_that_look_like_flags_stand_behind_the_dashes) {
  EXPECT_EQ(parsed({"lock", "acquire", "--wait", "1m", "--", "-x", "--help"}).arguments,
            (std::vector<std::string>{"-x", "--help"}));
  const Invocation view = parsed({"env", "view", "--", "--output"});
  EXPECT_EQ(view.arguments, std::vector<std::string>{"--output"});
  EXPECT_TRUE(view.rest.empty());
}

TEST(Lock, labels_name_any_environment_that_has_all_of_them) {
  const auto request = lock_request(parsed(
      {"lock", "acquire", "--label", "team=pay", "--label", "kind=uat", "--slots", "2", "--ttl",
       "90s", "--reason", "release 7", "--supersede", "pay/main", "--holder", "me"}));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(json::serialize(request->body.at("wants")),
            R"([{"labels":{"team":"pay","kind":"uat"},"slots":2}])");
  EXPECT_EQ(json::serialize(request->body.at("holder")), R"({"name":"me","reason":"release 7"})");
  EXPECT_EQ(request->body.at("ttl").as_string(), "1m30s");
  EXPECT_EQ(request->body.at("supersede_key").as_string(), "pay/main");
}

TEST(Lock, a_request_that_cannot_be_meant_is_refused_before_it_is_sent) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"lock", "acquire"},
                                                {"lock", "acquire", "uat", "--wait", "soon"},
                                                {"lock", "acquire", "uat", "--ttl", "1x"},
                                                {"lock", "acquire", "uat", "--priority", "high"},
                                                {"lock", "acquire", "uat", "--slots", "0"},
                                                {"lock", "acquire", "--label", "team"}}) {
    const auto request = lock_request(parsed(words));
    ASSERT_FALSE(request) << words.back();
    EXPECT_EQ(request.error().code, Code::invalid);
    EXPECT_NE(request.error().message, "");
  }
}

TEST(Asker, a_ci_job_is_named_by_its_pipeline_build_and_job) {
  const Asker go = find_asker(variables({{"GO_PIPELINE_NAME", "shop"},
                                         {"GO_PIPELINE_COUNTER", "42"},
                                         {"GO_STAGE_NAME", "deploy"},
                                         {"GO_STAGE_COUNTER", "1"},
                                         {"GO_JOB_NAME", "uat"}}),
                              "box", 7);
  EXPECT_EQ(go.name, "shop/42/deploy/1/uat");
  EXPECT_EQ(go.run, "shop/42");
  const Asker github = find_asker(variables({{"GITHUB_ACTIONS", "true"},
                                             {"GITHUB_REPOSITORY", "corp/shop"},
                                             {"GITHUB_WORKFLOW", "ci"},
                                             {"GITHUB_RUN_NUMBER", "9"},
                                             {"GITHUB_RUN_ID", "123"},
                                             {"GITHUB_JOB", "e2e"},
                                             {"GITHUB_SERVER_URL", "https://github.com"}}),
                                  "box", 7);
  EXPECT_EQ(github.name, "corp/shop/ci/9/e2e");
  EXPECT_EQ(github.url, "https://github.com/corp/shop/actions/runs/123");
}

TEST(Asker, two_commands_of_one_person_are_two_parties_but_know_each_other) {
  const Variable ann = variables({{"USER", "ann"}});
  const Asker first = find_asker(ann, "box", 7);
  const Asker second = find_asker(ann, "box", 8);
  EXPECT_EQ(first.name, "ann@box:7");
  EXPECT_NE(first.name, second.name);
  EXPECT_TRUE(is_same_asker(second, first.name, ""));
  EXPECT_FALSE(is_same_asker(second, "bob@box:7", ""));
  EXPECT_FALSE(is_same_asker(second, "ann@box", ""));
  EXPECT_TRUE(
      is_same_asker({"shop/42/test/1/uat", "", "shop/42"}, "shop/42/deploy/1/uat", "shop/42"));
  EXPECT_FALSE(is_same_asker({"a", "", ""}, "b", ""));
}

TEST(LockProgress, tells_the_place_who_is_ahead_and_how_long) {
  const json::value lease =
      json::parse(R"({"id":"lse_1","state":"queued","position":2,"eta_ms":90000,
    "ahead":[{"lease":"lse_0","name":"shop/41","holder":{"name":"shop/41","reason":"deploys 1.2"}},
             {"name":"b"},{"name":"c"},{"name":"d"}]})");
  EXPECT_EQ(describe_place("uat", lease),
            "waiting for uat, position 2 after shop/41 (deploys 1.2), b, c and 1 more, "
            "about 1 m 30 s");
  EXPECT_EQ(describe_place("uat", json::parse(R"({"position":1,"barred":[
              {"environment":"uat","state":"maintenance","reason":"new disks"},
              {"environment":"uat","booking":"bok_1","kind":"booking","owner":"load-test",
               "from":"2026-03-01T08:00:00Z","to":"2026-03-01T10:00:00Z"}]})")),
            "waiting for uat, position 1; uat is in maintenance: new disks; "
            "uat is kept for a booking of load-test until 2026-03-01T10:00:00Z");
  EXPECT_EQ(describe_place("uat", json::parse(R"({"position":1})")), "waiting for uat, position 1");
}

TEST(Lock, the_command_finds_the_lease_and_the_properties_in_its_environment) {
  const auto variables = lease_variables(json::parse(R"({"id":"lse_1","fence":12,
    "grants":[{"environment":"uat","slot":2},{"environment":"db","slot":1}],
    "properties":{"base-url":"https://uat","user":"x\ny"}})"));
  EXPECT_EQ(variables, (std::map<std::string, std::string>{{"BATON_LEASE", "lse_1"},
                                                           {"BATON_FENCE", "12"},
                                                           {"BATON_ENVIRONMENT", "uat,db"},
                                                           {"BATON_SLOT", "2,1"},
                                                           {"BATON_ENV_BASE_URL", "https://uat"},
                                                           {"BATON_ENV_USER", "x\ny"}}));
}

TEST(LockExec, the_kill_comes_before_the_time_is_over_that_counts_from_the_sending) {
  client::HeldLease lease;
  lease.sent = client::BootTime{Duration{1'000'000}};
  lease.left = Duration{120'000};
  KillTimes times = kill_times(lease, Duration{5'000});
  EXPECT_EQ(times.kill, lease.sent + Duration{118'500});
  EXPECT_EQ(times.term, lease.sent + Duration{113'500});
  lease.left = Duration{1'000};  // the least that a lease has
  times = kill_times(lease, Duration{5'000});
  EXPECT_EQ(times.kill, lease.sent + Duration{850});
  EXPECT_EQ(times.term, lease.sent + Duration{650});
  lease.left = Duration{50};  // nearly over
  EXPECT_EQ(kill_times(lease, Duration{5'000}).kill, lease.sent);
}

TEST(EnvSet, changes_what_is_said_and_keeps_the_rest) {
  const json::value now = json::parse(R"({"name":"uat","slots":1,"ttl":"2m","ttl_ms":120000,
    "max_hold_ms":60000,"labels":{"team":"pay","old":"1"},"state":"enabled","holders":[],
    "queue":[],"queue_policy":{"policy":"fifo","max":10,"keep_alive":"60s","keep_alive_ms":60000},
    "hooks":{"health":{"command":["./h"],"attempts":5}},"revision":3})");
  const auto body = changed_declaration(
      now, parsed({"env", "set", "uat", "--slots", "3", "--label", "old=", "--label", "kind=uat",
                   "--property", "url=https://uat", "--queue-policy", "newest", "--health",
                   "./healthy.sh --fast"}));
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(json::value(*body), json::parse(R"({"slots":3,"labels":{"team":"pay","kind":"uat"},
    "hooks":{"health":{"command":["./healthy.sh","--fast"],"attempts":5}},"ttl":"2m",
    "max_hold":"1m","properties":{"url":"https://uat"},
    "queue":{"policy":"newest","max":10,"keep_alive":"60s"}})"));
  const auto fresh = changed_declaration({}, parsed({"env", "set", "new", "--ttl", "10m"}));
  ASSERT_TRUE(fresh);
  EXPECT_EQ(json::value(*fresh), json::parse(R"({"ttl":"10m"})"));
  EXPECT_FALSE(changed_declaration({}, parsed({"env", "set", "new", "--label", "x"})));
}

}  // namespace
}  // namespace baton::cli
