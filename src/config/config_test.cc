// SPDX-License-Identifier: MIT
#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace baton::config {
namespace {

using testing::AllOf, testing::ElementsAre, testing::HasSubstr, testing::Not;
class ConfigFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/baton-config-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = folder_ + "/baton.yaml";
    unsetenv("STATE_DIRECTORY");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Loaded load(std::string_view text) {
    std::ofstream(path_) << text;
    sources_.path = path_;
    return config::load(sources_);
  }
  Config config(std::string_view text) {
    Loaded loaded = load(text);
    for (const Problem& problem : loaded.problems) ADD_FAILURE() << to_text(problem);
    return std::move(loaded.config);
  }
  // "line:column pointer message | fix" of each problem.
  std::vector<std::string> problems(std::string_view text) {
    std::vector<std::string> out;
    for (const Problem& problem : load(text).problems) {
      std::string origin = problem.origin;
      if (origin.starts_with(path_ + ":")) origin = origin.substr(path_.size() + 1);
      out.push_back(fmt::format("{} {} {}{}{}", origin, problem.path, problem.message,
                                problem.fix.empty() ? "" : " | ", problem.fix));
    }
    return out;
  }
  std::string problem(std::string_view text) {
    const auto all = problems(text);
    EXPECT_EQ(all.size(), 1U) << text;
    return all.empty() ? "" : all.front();
  }

  std::string folder_;
  std::string path_;
  Sources sources_;
};

TEST_F(ConfigFile, nothing_gives_the_documented_defaults) {
  const Config c = config("");
  EXPECT_EQ(c.server.listen, "127.0.0.1:1337");
  EXPECT_EQ(c.server.data, std::filesystem::current_path().string() + "/baton-data");
  EXPECT_EQ(c.server.files, c.server.data);
  EXPECT_EQ(c.server.auth, Auth::token);
  EXPECT_EQ(c.server.retention.runs, std::chrono::days(90));
  EXPECT_EQ(c.server.retention.keep_last, 100);
  EXPECT_TRUE(c.server.auto_create_environments);
  EXPECT_EQ(c.server.log_level, "info");
  EXPECT_EQ(c.limits.running_runs, 0);
  EXPECT_EQ(c.limits.queued_runs, 100'000);
  EXPECT_EQ(c.maybe.ttl, std::chrono::hours(2));
  EXPECT_TRUE(c.suites.empty());
}

TEST_F(ConfigFile, the_documented_example_is_valid) {
  const Config c = config(R"(
server: {listen: 127.0.0.1:1337, data: ./baton-data, public_url: "https://baton.corp/",
         retention: {runs: 90d, keep_last: 100}, auto_create_environments: true}
maybe: {hold: 0s, ttl: 2h}
environments: [{name: staging, slots: 1, ttl: 2m, labels: {team: pay},
                hooks: {health: {command: [./healthy.sh]}}}]
suites:
  - {name: checkout, namespace: pay, kind: cpp, command: [./checkout_e2e], environment: staging,
     max_attempts: 3, timeout: 10m}
  - {name: api, kind: gtest, command: [./api_tests], isolate: case, workers: 2,
     attempt_timeout: 30s}
  - {name: web, kind: playwright, command: [npx, playwright, test], artifacts: ["test-results/**"]}
  - {name: any, kind: junit, command: [./run.sh], reports: ["out/**/*.xml"]}
schedules: [{name: nightly, suite: pay/checkout, cron: "0 2 * * *", time_zone: Europe/Vienna}]
links:
  azure_devops: {corp: {allow: ["https://dev.azure.com/corp/"], pat: {env: ADO_PAT},
                        api_version: 2.0-preview.1, publish_results: true,
                        defaults: {subject: {testkube: {profile: tk}}, timeout: 2h}}}
  gocd:     {main: {url: https://gocd.corp:8154, token: {env: GOCD_TOKEN}}}
  github:   {app: {url: https://api.github.com, app_id: 7, private_key: {file: app.pem},
                   webhook_secret: {env: GH_SECRET}}}
  gitlab:   {main: {url: https://gitlab.corp, token: {env: GL_TOKEN}, webhook_secret: {env: GL}}}
  jenkins:  {main: {url: https://jenkins.corp, user: baton, token: {env: JENKINS_TOKEN}}}
  testkube: {tk: {url: http://testkube-api:8088, token: {env: TK_TOKEN}, poll: 5s,
                  stall_after: 30m}}
  webhook:  {ci: {url: https://ci.corp/hook, secret: [{env: NEW}, {env: OLD}]}}
  flagger:  {canary: {}}
  cloudevents: {bus: {}}
deliveries: {retry: {first: 1s, factor: 2, max: 5m, give_up_after: 1h}, per_peer: 8}
notify: [{on: [run_failed, failure_overdue], to: {slack: {webhook: {env: SLACK_URL}}}}]
)");
  ASSERT_EQ(c.suites.size(), 4U);
  EXPECT_EQ(c.suites[0].id(), "pay/checkout");
  EXPECT_EQ(c.suites[0].kind, model::Kind::cpp);
  EXPECT_EQ(c.suites[0].source, model::SuiteSource::file);
  EXPECT_EQ(c.suites[0].timeout, std::chrono::minutes(10));
  EXPECT_EQ(c.suites[0].environment, "staging");
  EXPECT_EQ(c.suites[1].namespace_, "default");
  EXPECT_EQ(c.suites[1].isolate, model::Isolate::per_case);
  EXPECT_EQ(c.suites[1].attempt_timeout, std::chrono::seconds(30));
  EXPECT_EQ(c.suites[2].command, (std::vector<std::string>{"npx", "playwright", "test"}));
  EXPECT_EQ(c.suites[3].reports, std::vector<std::string>{"out/**/*.xml"});
  ASSERT_EQ(c.schedules.size(), 1U);
  EXPECT_EQ(c.schedules[0].time_zone, "Europe/Vienna");
  EXPECT_EQ(c.without_effect, std::vector<std::string>{"notify"});
  ASSERT_EQ(c.environments.size(), 1U);
  EXPECT_EQ(c.environments[0].name, "staging");
  EXPECT_EQ(c.environments[0].source, model::SuiteSource::file);
  EXPECT_EQ(c.environments[0].ttl, std::chrono::minutes(2));
  EXPECT_EQ(c.environments[0].labels.at("team"), "pay");
  EXPECT_EQ(c.environments[0].hooks.at(model::HookKind::health).command,
            std::vector<std::string>{"./healthy.sh"});
}

TEST_F(ConfigFile, an_entry_of_kind_cpp_says_which_keys_it_states_and_may_mean_its_whole_binary) {
  const Config c = config(
      "suites:\n"
      "  - {name: a, kind: cpp, command: [./a], max_attempts: 1}\n"
      "  - {kind: cpp, command: [./b]}\n");
  ASSERT_EQ(c.suites.size(), 2U);
  EXPECT_TRUE(c.suites[0].stated.contains("max_attempts"));
  EXPECT_FALSE(c.suites[0].stated.contains("workers"));
  EXPECT_EQ(c.suites[1].name, "");
  EXPECT_NE(problem("suites: [{kind: tap, command: [./a]}]").find("the key `name` is missing"),
            std::string::npos);
  EXPECT_NE(
      problem("suites: [{namespace: x, kind: cpp, command: [./a]}]").find("/suites/0/namespace"),
      std::string::npos);
}

TEST_F(ConfigFile, unset_keys_of_a_suite_have_the_models_defaults) {
  const model::Suite from_file =
      config("suites: [{name: a, kind: command, command: [./a]}]").suites.at(0);
  const model::Suite plain;
  EXPECT_EQ(from_file.isolate, plain.isolate);
  EXPECT_EQ(from_file.workers, plain.workers);
  EXPECT_EQ(from_file.max_attempts, plain.max_attempts);
  EXPECT_EQ(from_file.running_runs, plain.running_runs);
  EXPECT_EQ(from_file.back_off, plain.back_off);
  EXPECT_EQ(from_file.timeout, plain.timeout);
  EXPECT_EQ(from_file.attempt_timeout, plain.attempt_timeout);
  EXPECT_EQ(from_file.kill_grace, plain.kill_grace);
  EXPECT_EQ(from_file.log_limit, plain.log_limit);
  EXPECT_EQ(from_file.allow_empty, plain.allow_empty);
  EXPECT_EQ(from_file.namespace_, plain.namespace_);
}

TEST_F(ConfigFile, unset_keys_of_a_schedule_have_the_models_defaults) {
  const model::Schedule from_file =
      config("schedules: [{name: n, suite: a/b, every: 1h}]").schedules.at(0);
  const model::Schedule plain;
  EXPECT_EQ(from_file.every, std::chrono::hours(1));
  EXPECT_EQ(from_file.time_zone, plain.time_zone);
  EXPECT_EQ(from_file.max_runs, plain.max_runs);
  EXPECT_EQ(from_file.overlap, plain.overlap);
  EXPECT_EQ(from_file.catch_up, plain.catch_up);
  EXPECT_EQ(from_file.paused, plain.paused);
}

TEST_F(ConfigFile, paths_are_relative_to_the_file) {
  const Config c = config(
      "server: {data: db, tls: {certificate: a.pem, key: /etc/b.pem}}\n"
      "suites: [{name: a, kind: tap, command: [./a]},\n"
      "         {name: b, kind: tap, command: [./b], folder: ../x/}]\n");
  EXPECT_EQ(c.server.data, folder_ + "/db");
  EXPECT_EQ(c.server.tls->certificate, folder_ + "/a.pem");
  EXPECT_EQ(c.server.tls->key, "/etc/b.pem");
  EXPECT_EQ(c.suites[0].folder, folder_);
  EXPECT_EQ(c.suites[0].command[0], "./a");
  EXPECT_EQ(c.suites[1].folder, "/tmp/x");
}

TEST_F(ConfigFile, an_unknown_key_is_refused_with_a_suggestion) {
  EXPECT_EQ(problem("server:\n  listn: 127.0.0.1:1\n"),
            "2:10 /server/listn the key is unknown | did you mean `listen`?");
  EXPECT_EQ(problem("maybe: {zzzzzz: 1}"),
            "1:17 /maybe/zzzzzz the key is unknown | the keys here are hold, ttl");
  EXPECT_EQ(problem("suites: [{name: a, kind: tap, command: [a], a/b~c: 1}]").substr(0, 25),
            "1:52 /suites/0/a~1b~0c th");
}

TEST_F(ConfigFile, free_keys_of_the_top_level_begin_with_x) {
  EXPECT_TRUE(problems("x-any: {thing: [1, 2]}\n").empty());
  EXPECT_EQ(problems("server: {x-any: 1}\n").size(), 1U);
}

TEST_F(ConfigFile, types_are_strict) {
  EXPECT_EQ(problem("server: {auto_create_environments: yes}"),
            "1:36 /server/auto_create_environments \"yes\" is neither true nor false");
  EXPECT_EQ(problem("limits: {running_runs: \"3\"}"),
            "1:24 /limits/running_runs \"3\" is not a whole number | write it without quotes");
  EXPECT_EQ(problem("limits: {running_runs: 3.5}"),
            "1:24 /limits/running_runs \"3.5\" is not a whole number");
  EXPECT_EQ(problem("limits: {queued_runs: 0}"),
            "1:23 /limits/queued_runs 0 is too small; the least is 1");
  EXPECT_EQ(problem("limits: {queued_runs: 99999999999999999999999}"),
            "1:23 /limits/queued_runs \"99999999999999999999999\" is not a whole number");
  EXPECT_EQ(problem("limits: [1]"), "1:1 /limits keys with values are expected, a list found");
  EXPECT_EQ(problem("server:\n"), "1:1 /server it has no value | give it one, or remove the key");
  EXPECT_NE(problem("deliveries: {retry: {factor: inf}}"), "");
}

TEST_F(ConfigFile, a_link_is_told_what_would_flood_or_betray_its_peer) {
  EXPECT_THAT(problem("links: {testkube: {tk: {url: http://tk:1, poll: 0s}}}"),
              HasSubstr("0s is too short; the least is 50ms"));
  EXPECT_THAT(problem("links: {testkube: {tk: {url: http://ann:hush@tk:1}}}"),
              AllOf(HasSubstr("has credentials"), Not(HasSubstr("hush"))));
  const auto links = load("links: {webhook: {ci: {url: http://x/a@b, secret: []}}}").config.links;
  EXPECT_THAT(links.at(0).missing, ElementsAre("secret: the list is empty"));
}

TEST_F(ConfigFile, durations_sizes_addresses_and_urls_are_checked) {
  EXPECT_NE(problem("maybe: {ttl: 2 hours}").find("is not a duration"), std::string::npos);
  EXPECT_NE(problem("server: {listen: localhost}").find("the port is missing"), std::string::npos);
  EXPECT_NE(problem("server: {listen: \"::1:80\"}").find("brackets"), std::string::npos);
  EXPECT_NE(problem("server: {listen: \"127.0.0.1:65536\"}").find("0 to 65535"), std::string::npos);
  EXPECT_NE(problem("server: {public_url: baton.corp}").find("is not a URL"), std::string::npos);
  EXPECT_EQ(config("server: {listen: \"[::1]:0\"}").server.listen, "[::1]:0");
  const auto limit = [](std::string_view size) {
    return fmt::format("suites: [{{name: a, kind: tap, command: [a], log_limit: {}}}]", size);
  };
  EXPECT_EQ(config(limit("1MiB")).suites[0].log_limit, 1 << 20);
  EXPECT_EQ(config(limit("4096")).suites[0].log_limit, 4096);
  EXPECT_NE(problem(limit("1 MB")).find("is not a size"), std::string::npos);
  EXPECT_NE(problem(limit("5")).find("too small"), std::string::npos);
  EXPECT_NE(problem(limit("9999999TiB")).find("is not a size"), std::string::npos);
}

TEST_F(ConfigFile, a_command_is_a_list) {
  EXPECT_EQ(problem("suites: [{name: a, kind: tap, command: ./a}]"),
            "1:40 /suites/0/command a list is expected, a single value found | write [./a]");
  EXPECT_NE(problem("suites: [{name: a, kind: tap, command: []}]").find("/suites/0/command"),
            std::string::npos);
}

TEST_F(ConfigFile, a_wrong_choice_is_refused_with_a_suggestion) {
  const std::string found = problem("suites: [{name: a, kind: gtst, command: [a]}]");
  EXPECT_NE(found.find("\"gtst\" is not one of cpp, gtest"), std::string::npos) << found;
  EXPECT_NE(found.find("did you mean `gtest`?"), std::string::npos) << found;
}

TEST_F(ConfigFile, all_problems_are_told_in_the_order_of_the_file) {
  const auto all = problems(
      "suites:\n"
      "  - {name: a, kind: gtst, command: [./a]}\n"
      "  - {namespace: x, kind: tap, command: [./b]}\n"
      "  - {name: c, kind: tap, command: [./c], workers: 100, timeout: soon}\n"
      "servr: {}\n");
  ASSERT_EQ(all.size(), 5U);
  EXPECT_TRUE(all[0].starts_with("2:21 /suites/0/kind")) << all[0];
  EXPECT_TRUE(all[1].starts_with("3:5 /suites/1 the key `name` is missing")) << all[1];
  EXPECT_TRUE(all[2].starts_with("4:51 /suites/2/workers")) << all[2];
  EXPECT_TRUE(all[3].starts_with("4:65 /suites/2/timeout")) << all[3];
  EXPECT_TRUE(all[4].starts_with("5:1 /servr")) << all[4];
}

TEST_F(ConfigFile, what_the_model_refuses_is_told_at_the_key) {
  EXPECT_TRUE(problem("suites: [{name: a, kind: tap, command: [a], variables: {\"A=B\": c}}]")
                  .starts_with("1:45 /suites/0/variables"));
  EXPECT_TRUE(
      problem("suites: [{name: a/b, kind: tap, command: [a]}]").starts_with("1:17 /suites/0/name"));
  EXPECT_TRUE(problem("schedules: [{name: n, suite: s, cron: \"61 * * * *\"}]")
                  .starts_with("1:39 /schedules/0/cron"));
  EXPECT_TRUE(problem("schedules: [{name: n, suite: s, every: 1h, time_zone: Mars/Olympus}]")
                  .starts_with("1:55 /schedules/0/time_zone"));
}

TEST_F(ConfigFile, duplicates_and_contradictions_are_refused) {
  EXPECT_NE(problem("suites: [{name: a, kind: tap, command: [a]}, {name: a, kind: go, command: "
                    "[b]}]")
                .find("default/a is declared twice"),
            std::string::npos);
  EXPECT_NE(problem("schedules: [{name: n, suite: s, every: 1h, cron: \"* * * * *\"}]")
                .find("exactly one of `cron` and `every`"),
            std::string::npos);
  EXPECT_NE(problem("schedules: [{name: n, suite: s}]").find("exactly one of"), std::string::npos);
  EXPECT_NE(problem("schedules: [{name: n, suite: s, every: 1h, until: tomorrow}]")
                .find("/schedules/0/until"),
            std::string::npos);
  EXPECT_NE(problem("environments: [{name: a}, {name: a}]").find("declared twice"),
            std::string::npos);
}

TEST_F(ConfigFile, a_server_without_authentication_listens_on_loopback_only) {
  for (const char* listen : {"127.0.0.1:0", "127.5.5.5:80", "localhost:80", "[::1]:80"})
    EXPECT_EQ(config(fmt::format("server: {{auth: none, listen: \"{}\"}}", listen)).server.auth,
              Auth::none);
  for (const char* listen : {"0.0.0.0:80", "[::]:80", "10.0.0.1:80", "127.0.0.1.evil.corp:80"})
    EXPECT_NE(problem(fmt::format("server: {{auth: none, listen: \"{}\"}}", listen))
                  .find("/server/auth `none` would let everybody"),
              std::string::npos);
}

TEST_F(ConfigFile, links_have_addresses_that_paths_can_be_put_behind) {
  std::ofstream(folder_ + "/secret") << "s3cret";
  const Loaded loaded = load(
      "links: {jenkins: {main: {url: \"https://j/\", user: u, webhook_secret: {file: secret}}},\n"
      "  buildkite: {main: {token: {file: secret}, organization: acme}},\n"
      "  webhook: {ci: {url: \"https://ci/hook/\", secret: {file: secret}}}}\n");
  ASSERT_TRUE(loaded.problems.empty()) << loaded.problems[0].message;
  for (const model::LinkProfile& link : loaded.config.links) {
    if (link.kind == model::LinkKind::jenkins) {
      EXPECT_EQ(link.url, "https://j");
      EXPECT_EQ(link.secrets.at(0).value, "s3cret");
    } else if (link.kind == model::LinkKind::buildkite) {
      EXPECT_EQ(link.user, "acme");
    } else {
      EXPECT_EQ(link.url, "https://ci/hook/");
    }
  }
  EXPECT_EQ(loaded.config.links.size(), 3U);
}

TEST_F(ConfigFile, secrets_are_references_and_never_values) {
  const std::string head = "links: {jenkins: {main: {url: https://j, user: u, token: ";
  const std::string value = problem(head + "hunter2}}}");
  EXPECT_NE(value.find("given as a reference"), std::string::npos) << value;
  EXPECT_EQ(value.find("hunter2"), std::string::npos) << value;
  EXPECT_NE(problem(head + "{env: A, file: b}}}}").find("exactly one"), std::string::npos);
  EXPECT_NE(problem(head + "{enw: A}}}}").find("exactly one"), std::string::npos);
  EXPECT_NE(problem(head + "{env: \"\"}}}}").find("empty"), std::string::npos);
}

TEST_F(ConfigFile, links_have_the_values_of_their_secrets_and_what_bodies_leave_out) {
  std::ofstream(folder_ + "/token") << "t0k3n\n";
  unsetenv("BATON_TEST_NOT_SET");
  const Config c = config(R"(
links:
  webhook: {ci: {url: "https://ci/hook/", secret: [{file: token}, {env: BATON_TEST_NOT_SET}]}}
  azure_devops:
    corp:
      allow: ["https://dev.azure.com/corp/"]
      defaults: {subject: {testkube: {profile: tk, tag: "5"}}, timeout: 2h, labels: {n: 7}}
deliveries: {retry: {first: 100ms, factor: 1.5}, per_peer: 2}
)");
  ASSERT_EQ(c.links.size(), 2U);
  EXPECT_EQ(c.links[0].id(), "webhook/ci");
  EXPECT_EQ(c.links[0].url, "https://ci/hook/");
  // What is missing signs nothing: an empty secret would let everybody in.
  ASSERT_EQ(c.links[0].secrets.size(), 1U);
  EXPECT_EQ(c.links[0].secrets[0].value, "t0k3n");
  EXPECT_EQ(c.links[0].missing.size(), 1U);
  EXPECT_EQ(c.links[1].api_version, "2.0-preview.1");
  EXPECT_EQ(c.links[1].defaults,
            R"({"subject":{"testkube":{"profile":"tk","tag":"5"}},"timeout":"2h",)"
            R"("labels":{"n":7}})");
  EXPECT_EQ(c.deliveries.retry.first, Duration{100});
  EXPECT_EQ(c.deliveries.retry.factor, 1.5);
  EXPECT_EQ(c.deliveries.per_peer, 2);
}

TEST_F(ConfigFile, links_say_what_they_publish_and_what_they_look_through) {
  std::ofstream(folder_ + "/key") << "pem";
  const Config c = config(R"(
links:
  azure_devops:
    corp: {allow: ["https://ado/corp/"], publish_results: true, attachments: ["**/*.xml", log.txt]}
  github:
    app: {app_id: 7, private_key: {file: key}, repositories: [acme/shop, acme/a.b-c_d], sweep: 90s}
    quiet: {app_id: 7, private_key: {file: key}}
  webhook:
    a: {url: "https://a", secret: {file: key}, format: cloudevents}
    b: {url: "https://b", secret: {file: key}, format: cloudevents-binary}
    c: {url: "https://c", secret: {file: key}}
)");
  ASSERT_EQ(c.links.size(), 6U);
  EXPECT_EQ(c.links[0].attachments, (std::vector<std::string>{"**/*.xml", "log.txt"}));
  EXPECT_EQ(c.links[1].repositories, (std::vector<std::string>{"acme/shop", "acme/a.b-c_d"}));
  EXPECT_EQ(c.links[1].sweep, Duration{90'000});
  EXPECT_TRUE(c.links[2].repositories.empty());
  EXPECT_EQ(c.links[2].sweep, Duration{300'000});
  EXPECT_TRUE(c.links[3].cloudevents && !c.links[3].binary);
  EXPECT_TRUE(c.links[4].cloudevents && c.links[4].binary);
  EXPECT_TRUE(!c.links[5].cloudevents && !c.links[5].binary);

  const std::string app = "links: {github: {app: {private_key: {file: key}, app_id: 7, ";
  for (const char* name : {"acme", "acme/", "/shop", "a/b/c", "a b/c", "https://x/y"}) {
    const std::string told = problem(app + "repositories: [\"" + name + "\"]}}}");
    EXPECT_NE(told.find("/links/github/app/repositories/0"), std::string::npos) << told;
    EXPECT_NE(told.find("OWNER/NAME"), std::string::npos) << told;
  }
  EXPECT_NE(problem("links: {github: {t: {token: {file: key}, repositories: [a/b]}}}")
                .find("give app_id"),
            std::string::npos);
  EXPECT_NE(problem("links: {azure_devops: {a: {allow: [\"https://a/\"], attachments: [x]}}}")
                .find("add `publish_results: true`"),
            std::string::npos);
  EXPECT_NE(problem("links: {webhook: {a: {url: \"https://a\", secret: {file: key}, "
                    "format: cloudevent}}}")
                .find("cloudevents"),
            std::string::npos);
}

TEST_F(ConfigFile, the_database_address_may_be_a_secret) {
  std::ofstream(folder_ + "/url") << "postgres://baton:hunter2@db/baton\n";
  const Loaded loaded = load("server: {data: {file: url}, files: rest}");
  ASSERT_TRUE(loaded.problems.empty());
  EXPECT_EQ(loaded.config.server.data, "postgres://baton:hunter2@db/baton");
  EXPECT_EQ(loaded.config.server.files, folder_ + "/rest");
  for (const Setting& setting : loaded.settings)
    EXPECT_EQ(setting.value.find("hunter2"), std::string::npos);
  unsetenv("BATON_TEST_NOT_SET");
  EXPECT_NE(problem("server: {data: {env: BATON_TEST_NOT_SET}}").find("is not set"),
            std::string::npos);
}

TEST_F(ConfigFile, flags_win_over_variables_over_the_file) {
  const char* text = "server: {listen: 127.0.0.1:1, data: a}\n";
  EXPECT_EQ(config(text).server.listen, "127.0.0.1:1");
  sources_.variables = {{"BATON_LISTEN", "127.0.0.1:2"}, {"BATON_DATA", ""}, {"BATON_RUN", "7"}};
  EXPECT_EQ(config(text).server.listen, "127.0.0.1:2");
  EXPECT_EQ(config(text).server.data, folder_ + "/a");  // empty means not set
  sources_.flags = {{"server.listen", "127.0.0.1:3", "--listen"}, {"server.data", "b", "--data"}};
  const Config c = config(text);
  EXPECT_EQ(c.server.listen, "127.0.0.1:3");
  // What is typed is relative to where it is typed.
  EXPECT_EQ(c.server.data, std::filesystem::current_path().string() + "/b");
}

TEST_F(ConfigFile, a_wrong_override_is_told_by_its_name) {
  sources_.variables = {{"BATON_LOG_LEVEL", "loud"}};
  sources_.flags = {{"server.listen", "nowhere", "--listen"}};
  const auto all = problems("");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(all[0].starts_with("$BATON_LOG_LEVEL /server/log/level")) << all[0];
  EXPECT_TRUE(all[1].starts_with("--listen /server/listen")) << all[1];
}

TEST_F(ConfigFile, every_setting_tells_its_origin) {
  sources_.variables = {{"BATON_LISTEN", "127.0.0.1:2"}};
  sources_.flags = {{"server.data", "postgres://u:secret@h/d?x=1", "--data"}};
  const Loaded loaded =
      load("limits: {running_runs: 3}\nsuites: [{name: a, kind: tap, command: [./a, -v]}]\n");
  const auto find = [&](std::string_view key) {
    const auto found = std::find_if(loaded.settings.begin(), loaded.settings.end(),
                                    [&](const Setting& s) { return s.key == key; });
    return found == loaded.settings.end() ? std::string("missing")
                                          : found->value + " < " + found->origin;
  };
  EXPECT_EQ(find("server.listen"), "127.0.0.1:2 < $BATON_LISTEN");
  EXPECT_EQ(find("server.data"), "postgres://u:***@h/d?x=1 < --data");
  EXPECT_EQ(find("server.auth"), "token < default");
  EXPECT_EQ(find("limits.running_runs"), "3 < " + path_ + ":1:24");
  EXPECT_EQ(find("suites[0].command"), "[./a, -v] < " + path_ + ":2:31");
  EXPECT_EQ(find("suites[0].workers"), "missing");
}

TEST_F(ConfigFile, load_config_refuses_with_all_problems) {
  EXPECT_EQ(load_config({.path = folder_ + "/none.yaml"}).error().code, Code::not_found);
  std::ofstream(path_) << "server: {listn: x}\nmaybe: {tl: 1s}\n";
  const auto refused = load_config({.path = path_});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::invalid);
  EXPECT_EQ(refused.error().message,
            path_ + ":1:17: /server/listn: the key is unknown (and 1 more)");
  EXPECT_EQ(refused.error().details.size(), 2U);
  std::ofstream(path_) << "a: [\n";
  EXPECT_TRUE(load_config({.path = path_}).error().message.starts_with(path_ + ":"));
}

TEST_F(ConfigFile, the_state_directory_holds_the_data_where_nothing_else_is_said) {
  setenv("STATE_DIRECTORY", "/var/lib/baton", 1);
  EXPECT_EQ(config("").server.data, "/var/lib/baton");
  EXPECT_EQ(config("server: {data: x}").server.data, folder_ + "/x");
  EXPECT_EQ(config("server: {data: \"postgres://h/d\"}").server.files, "/var/lib/baton");
  unsetenv("STATE_DIRECTORY");
}

TEST_F(ConfigFile, the_file_is_found_by_flag_then_variable_then_folder) {
  EXPECT_EQ(find_file("a.yaml", {{"BATON_CONFIG", "b.yaml"}}), "a.yaml");
  EXPECT_EQ(find_file("", {{"BATON_CONFIG", "b.yaml"}}), "b.yaml");
  EXPECT_EQ(process_variables().count("PATH"), 1U);
}

}  // namespace
}  // namespace baton::config
