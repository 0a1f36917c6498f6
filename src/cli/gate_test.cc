// SPDX-License-Identifier: MIT
// What the verbs of gates make of their flags, and what they tell people and scripts.
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/ids.h"
#include "cli/gate_files.h"
#include "cli/gate_log.h"
#include "cli/gate_name.h"
#include "cli/gate_request.h"
#include "cli/gate_wait.h"
#include "cli/link_checks.h"
#include "cli/parse.h"

namespace baton::cli {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

Invocation parsed(std::vector<std::string> words) {
  words.insert(words.begin(), {"baton", "gate"});
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  const Parsed result = parse(static_cast<int>(argv.size()), argv.data());
  EXPECT_NE(result.verb, nullptr);
  return result.invocation;
}

std::string body_of(const std::vector<std::string>& words) {
  const auto body = gate_request(parsed(words));
  return body ? json::serialize(*body) : body.error().message + " | " + body.error().fix;
}

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("baton-gate-" + random_hex(8))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path operator/(const std::string& name) const { return path_ / name; }
  fs::path write(const std::string& name, std::string_view text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }

 private:
  const fs::path path_;
};

TEST(GateRequest, flags_are_the_body_of_a_gate) {
  EXPECT_EQ(body_of({"open",         "--suite",   "pay/checkout",  "--filter",  "smoke",
                     "--ref",        "abc",       "--param",       "size=3",    "--name",
                     "accept",       "--key",     "shop/main",     "--timeout", "2h",
                     "--on-timeout", "passed",    "--environment", "uat",       "--label",
                     "team=pay",     "--deliver", "webhook/ci"}),
            R"({"subject":{"suite":"pay/checkout","filter":"smoke","reference":"abc",)"
            R"("params":{"size":"3"}},"name":"accept","key":"shop/main","on_timeout":"passed",)"
            R"("environment":"uat","timeout":"2h","labels":{"team":"pay"},)"
            R"("deliver":[{"link":"webhook/ci"}]})");
  EXPECT_EQ(body_of({"open", "--run", "7"}), R"({"subject":{"run":7}})");
  EXPECT_EQ(body_of({"open", "--external"}), R"({"subject":{"external":true}})");
  EXPECT_EQ(body_of({"open", "--testkube", "tk:tag=build=42"}),
            R"({"subject":{"testkube":{"profile":"tk","tag":"build=42"}}})");
  EXPECT_EQ(body_of({"open", "--testkube", "tk:workflow=a:b=c"}),
            R"({"subject":{"testkube":{"profile":"tk","workflow":"a:b=c"}}})")
      << "a name may hold what separates the others";
}

TEST(GateRequest, targets_are_links_with_the_operation_as_json) {
  EXPECT_EQ(
      json::serialize(*parse_target(R"(gocd/main:{"run_stage":{"stage":"s"},"when":"passed"})")),
      R"({"link":"gocd/main","run_stage":{"stage":"s"},"when":"passed"})");
  EXPECT_EQ(json::serialize(*parse_target(R"({"link":"webhook/ci"})")), R"({"link":"webhook/ci"})");
  for (const char* bad : {"", "ci", "gocd/main:run", "gocd/main:[1]", "gocd/main:", "{"}) {
    const auto target = parse_target(bad);
    ASSERT_FALSE(target) << bad;
    EXPECT_EQ(target.error().code, Code::invalid) << bad;
    EXPECT_NE(target.error().fix, "") << bad;
  }
}

TEST(GateRequest, a_file_is_the_body_and_flags_go_before_it) {
  const Folder folder;
  const fs::path file =
      folder.write("gate.json", R"({"subject":{"external":true},"key":"a","timeout":"1h"})");
  EXPECT_EQ(body_of({"open", "-f", file.string(), "--key", "b", "--run", "3"}),
            R"({"subject":{"run":3},"key":"b","timeout":"1h"})");
  const fs::path broken = folder.write("broken.json", "{");
  EXPECT_NE(body_of({"open", "-f", broken.string()}).find("is not JSON"), std::string::npos);
  const auto missing = gate_request(parsed({"open", "-f", (folder / "none").string()}));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::not_found);
}

TEST(GateRequest, what_cannot_be_meant_is_refused_before_it_is_sent) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"open"},
                                                {"open", "--external", "--run", "3"},
                                                {"open", "--run", "first"},
                                                {"open", "--external", "--timeout", "soon"},
                                                {"open", "--external", "--filter", "x"},
                                                {"open", "--external", "--label", "team"},
                                                {"open", "--testkube", "tk"},
                                                {"open", "--testkube", "tk:tag="},
                                                {"open", "--testkube", ":tag=a"},
                                                {"open", "--testkube", "tk:label=a"},
                                                {"open", "--external", "--deliver", "ci"}}) {
    const auto body = gate_request(parsed(words));
    ASSERT_FALSE(body) << words.back();
    EXPECT_EQ(body.error().code, Code::invalid) << words.back();
    EXPECT_NE(body.error().fix, "") << words.back();
  }
}

TEST(GateWait, the_exit_code_tells_how_a_gate_ended) {
  const auto code = [](std::string_view gate) { return exit_code_of_gate(json::parse(gate)); };
  EXPECT_EQ(code(R"({"state":"decided","verdict":"passed"})"), 0);
  EXPECT_EQ(code(R"({"state":"decided","verdict":"timed_out"})"), 31);
  EXPECT_EQ(code(R"({"state":"decided","verdict":"failed"})"), 30);
  EXPECT_EQ(code(R"({"state":"decided","verdict":"errored"})"), 30);
  EXPECT_EQ(code(R"({"state":"cancelled","verdict":"cancelled"})"), 30);
  EXPECT_EQ(code(R"({"state":"superseded","verdict":null})"), 30);
  EXPECT_EQ(code(R"({"state":"unheard of","verdict":"passed"})"), 30) << "never by accident";
}

TEST(GateLog, whole_lines_are_sent_and_the_last_one_at_the_end) {
  LogBatches batches;
  batches.add("one\ntwo\nthr");
  EXPECT_TRUE(batches.ready());
  EXPECT_EQ(batches.take(false), "one\ntwo\n");
  EXPECT_FALSE(batches.ready());
  EXPECT_EQ(batches.take(false), "");
  batches.add("ee");
  EXPECT_EQ(batches.take(true), "three\n");
  EXPECT_EQ(batches.take(true), "");
}

TEST(GateLog, a_line_that_does_not_end_is_cut_between_characters) {
  LogBatches batches;
  std::string text;
  while (text.size() < LogBatches::kBatchMax + 100) text += "€";
  batches.add(text);
  EXPECT_TRUE(batches.full());
  const std::string first = batches.take(false);
  EXPECT_LE(first.size(), LogBatches::kBatchMax + 1);
  EXPECT_EQ(first.find("\xEF\xBF\xBD"), std::string::npos) << "no replacement characters";
  std::string all = first.substr(0, first.size() - 1);
  const std::string last = batches.take(true);
  all += last.substr(0, last.size() - 1);
  EXPECT_EQ(all, text);
}

TEST(GateLog, what_is_not_utf8_becomes_so) {
  LogBatches batches;
  batches.add("a\xFFz\n");
  EXPECT_EQ(batches.take(false), "a\xEF\xBF\xBDz\n");
}

TEST(GateFiles, files_keep_their_relative_path_and_folders_stand_for_what_is_in_them) {
  const Folder folder;
  folder.write("out/b.xml", "b");
  folder.write("out/deep/a.xml", "a");
  fs::create_symlink("/etc/passwd", folder / "out/link");
  const auto files = gate_files_of({(folder / "out/").string()});
  ASSERT_TRUE(files) << files.error().message;
  ASSERT_EQ(files->size(), 2U) << "links are not followed";
  EXPECT_EQ((*files)[0].path, "out/b.xml");
  EXPECT_EQ((*files)[1].path, "out/deep/a.xml");
  const auto one = gate_files_of({(folder / "out/b.xml").string()});
  ASSERT_TRUE(one);
  EXPECT_EQ(one->at(0).path, "b.xml") << "a name from elsewhere is its last part";
}

TEST(GateFiles, two_files_of_one_name_are_refused) {
  const Folder folder;
  folder.write("a/r.xml", "1");
  folder.write("b/r.xml", "2");
  const auto files = gate_files_of({(folder / "a/r.xml").string(), (folder / "b/r.xml").string()});
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code, Code::invalid);
  EXPECT_EQ(gate_files_of({(folder / "none").string()}).error().code, Code::not_found);
}

TEST(GateName, subjects_and_targets_are_told_in_words) {
  const auto subject = [](std::string_view text) { return describe_subject(json::parse(text)); };
  EXPECT_EQ(subject(R"({"subject":{"external":true}})"), "external");
  EXPECT_EQ(subject(R"({"subject":{"run":7}})"), "run 7");
  EXPECT_EQ(subject(R"({"subject":{"suite":"a/b","run":7}})"), "suite a/b, run 7");
  EXPECT_EQ(subject(R"({"subject":{"testkube":{"profile":"tk","tag":"k=v"}}})"),
            "testkube tk, tag k=v");
  const auto watched = [](std::string_view text) { return describe_watched(json::parse(text)); };
  EXPECT_EQ(watched(R"({"watched":{"executions":[{"id":"a","name":"smoke-1","status":"running"}],)"
                    R"("problem":"status 503"}})"),
            "smoke-1 running; status 503");
  EXPECT_EQ(watched(R"({"watched":{"executions":[]}})"), "");
  EXPECT_EQ(watched(R"({"state":"pending"})"), "");
  EXPECT_EQ(describe_target(json::parse(
                R"({"target":{"link":"gocd/main","run_stage":{"stage":"s"},"when":"passed"}})")),
            "gocd/main run_stage");
  EXPECT_EQ(describe_gate(json::parse(R"({"id":"gat_1","key":"k"})")), "gat_1 (k)");
}

TEST(LinkChecks, what_a_link_lacks_is_told_once) {
  config::Config config;
  EXPECT_TRUE(link_doubts(config).empty()) << "no links, nothing to doubt";
  config.server.public_url = "https://baton.corp";
  const auto add = [&](model::LinkKind kind) -> model::LinkProfile& {
    config.links.clear();
    model::LinkProfile& link = config.links.emplace_back();
    link.kind = kind;
    link.name = "main";
    return link;
  };
  const auto told = [&] {
    std::string text;
    for (const std::string& doubt : link_doubts(config)) text += doubt + "\n";
    return text;
  };
  model::LinkProfile& gocd = add(model::LinkKind::gocd);
  EXPECT_EQ(told(), "links.gocd.main: it has neither a token nor user and password\n");
  gocd.missing = {"token: the variable GOCD_TOKEN is not set"};
  EXPECT_EQ(told(), "links.gocd.main: token: the variable GOCD_TOKEN is not set\n");
  add(model::LinkKind::azure_devops);
  EXPECT_NE(told().find("allow has no entry"), std::string::npos);
  add(model::LinkKind::github).token.value = "t";
  EXPECT_EQ(told(), "links.github.main: it has no webhook_secret, so what comes in is refused\n");
  add(model::LinkKind::webhook).secrets.push_back({"s"});
  EXPECT_EQ(told(), "");
  config.server.public_url.clear();
  EXPECT_NE(told().find("server.public_url"), std::string::npos);
}

TEST(LinkChecks, an_entry_that_no_server_starts_with_is_a_fault_of_its_link) {
  config::Config config;
  for (const char* name : {"a", "b", "c"}) {
    model::LinkProfile& link = config.links.emplace_back();
    link.kind = model::LinkKind::azure_devops;
    link.name = name;
    link.allow = {"https://dev.azure.com/corp/"};
  }
  EXPECT_TRUE(link_faults(config).empty());
  config.links[0].allow = {"dev.azure.com/corp"};
  config.links[2].networks = {"10.0.0.0/8", "10.0.0.0/99", "nix"};
  const std::vector<Error> faults = link_faults(config);
  ASSERT_EQ(faults.size(), 2U);
  EXPECT_TRUE(faults[0].message.starts_with("links.azure_devops.a.allow: ")) << faults[0].message;
  EXPECT_TRUE(faults[1].message.starts_with("links.azure_devops.c.networks: "))
      << faults[1].message;
  ASSERT_EQ(faults[1].details.size(), 2U);
  EXPECT_EQ(faults[1].details[0].pointer, "/links/azure_devops/c/networks/1");
}

TEST(LinkChecks, defaults_are_read_as_each_call_will_be_completed_with_them) {
  config::Config config;
  config.server.public_url = "https://baton.corp";
  model::LinkProfile& flagger = config.links.emplace_back();
  flagger.kind = model::LinkKind::flagger;
  flagger.name = "canary";
  flagger.defaults = R"({"subject":{"suite":"a/b"},"timeout":"1h"})";
  EXPECT_TRUE(link_doubts(config).empty());
  flagger.defaults = R"({"subject":{"sweet":"a/b"}})";
  ASSERT_EQ(link_doubts(config).size(), 1U);
  EXPECT_TRUE(link_doubts(config)[0].starts_with("links.flagger.canary: defaults: "));
  flagger.defaults = R"({"subject":{"testkube":{"profile":"tk"}}})";
  EXPECT_EQ(
      link_doubts(config),
      std::vector<std::string>{"links.flagger.canary: defaults: there is no links.testkube.tk"});
  model::LinkProfile& testkube = config.links.emplace_back();
  testkube.kind = model::LinkKind::testkube;
  testkube.name = "tk";
  EXPECT_TRUE(link_doubts(config).empty()) << "the tag comes with each call";
}

}  // namespace
}  // namespace baton::cli
