// SPDX-License-Identifier: MIT
#include "app/programs.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <set>
#include <tuple>

#include "base/file.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/marked.h"
#include "base/text.h"
#include "runner/discover.h"
#include "runner/environment.h"
#include "runner/process.h"
#include "store/suite_table.h"

namespace baton::app {
namespace {

// A C++ suite lists its tests in milliseconds; one that hangs must not keep the server from
// starting.
constexpr int kListAtStartMs = 10'000;
constexpr std::size_t kReasonMax = 2'000;
constexpr int kPageMax = 500;

// The declaration goes by a descriptor: arguments can be read by every user of the machine, may not
// be longer than 128 KiB, and the variables of a suite are nobody's business.
Result<Fd> as_file(const std::string& text) {
  Fd file{::memfd_create("suite", MFD_CLOEXEC)};
  if (!file) return tl::unexpected(errno_error("memory for a suite's declaration", errno));
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = ::write(file.get(), text.data() + written, text.size() - written);
    if (count <= 0) return tl::unexpected(errno_error("memory for a suite's declaration", errno));
    written += static_cast<std::size_t>(count);
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

// What the file states stays; the rest is the binary's.
model::Suite merged(const config::SuiteEntry& entry, const model::Suite& found) {
  model::Suite suite = entry;
  const auto take = [&](const char* key, auto model::Suite::*member) {
    if (!entry.stated.contains(key)) suite.*member = found.*member;
  };
  take("description", &model::Suite::description);
  take("owner", &model::Suite::owner);
  take("environment", &model::Suite::environment);
  take("workers", &model::Suite::workers);
  take("max_attempts", &model::Suite::max_attempts);
  take("back_off", &model::Suite::back_off);
  take("timeout", &model::Suite::timeout);
  take("attempt_timeout", &model::Suite::attempt_timeout);
  suite.labels.insert(found.labels.begin(), found.labels.end());
  suite.cases = found.cases;
  if (entry.name.empty()) {
    suite.name = found.name;
    suite.namespace_ = found.namespace_;
  }
  return suite;
}

// Makes the declared suites of one configuration complete, one after the other.
class Completion {
 public:
  Completion(const RunnerProgram& runner, store::Store& store) : runner_(runner), store_(store) {}

  model::Suite named(const config::SuiteEntry& entry) {
    const auto& found = suites_of(entry);
    if (found)
      for (const model::Suite& one : *found)
        if (one.id() == entry.id() && is_good(one)) return merged(entry, one);
    // Discovery will ask again and say what is wrong; until then the last answer counts.
    for (const model::Suite& known : known_suites())
      if (known.id() == entry.id()) return merged(entry, known);
    return entry;
  }

  std::vector<model::Suite> all(const config::SuiteEntry& entry) {
    std::vector<model::Suite> suites;
    const auto& found = suites_of(entry);
    if (found) {
      for (const model::Suite& one : *found)
        if (is_good(one)) suites.push_back(merged(entry, one));
      return suites;
    }
    log::warn("suite.program_not_listed",
              {{"program", entry.command.front()}, {"error", found.error().message}});
    for (const model::Suite& known : known_suites())
      if (known.command == entry.command && known.folder == entry.folder)
        suites.push_back(merged(entry, known));
    return suites;
  }

 private:
  // What a binary says is checked like what a file says, but a bad one costs only itself.
  static bool is_good(const model::Suite& suite) {
    const auto checked = model::check_suite(suite);
    if (!checked)
      log::warn("suite.not_valid", {{"suite", suite.id()}, {"error", checked.error().message}});
    return checked.has_value();
  }

  // Several entries may name suites of one binary: it is asked once.
  const Result<std::vector<model::Suite>>& suites_of(const model::Suite& suite) {
    const auto key = std::tuple{suite.command, suite.folder, suite.environment_variables};
    const auto known = answers_.find(key);
    if (known != answers_.end()) return known->second;
    model::Suite question = suite;
    if (question.name.empty()) question.name = "all";
    auto answer = ask_program(runner_, question, kListAtStartMs);
    auto suites = answer ? Result<std::vector<model::Suite>>{std::move(answer->suites)}
                         : tl::unexpected(std::move(answer).error());
    return answers_.emplace(key, std::move(suites)).first->second;
  }

  std::vector<model::Suite> known_suites() {
    std::vector<model::Suite> suites;
    auto snapshot = store_.snapshot();
    std::string after;
    while (snapshot) {
      auto rows = store::list_suites(snapshot->sql(), after, kPageMax, "", true);
      if (!rows) break;
      for (store::SuiteRow& row : *rows) {
        after = row.suite.id();
        if (row.suite.kind == model::Kind::cpp) suites.push_back(std::move(row.suite));
      }
      if (rows->size() < kPageMax) break;
    }
    return suites;
  }

  using Key = std::tuple<std::vector<std::string>, std::string, std::map<std::string, std::string>>;
  const RunnerProgram& runner_;
  store::Store& store_;
  std::map<Key, Result<std::vector<model::Suite>>> answers_;
};

}  // namespace

Result<std::string> open_list_key(const std::string& folder) {
  const std::string path = folder + "/list-key";
  if (const auto known = read_file(path, 256); known && !trim(*known).empty()) {
    const std::string key{trim(*known)};
    if (const int killed = kill_marked(runner::kListKeyVariable, key); killed > 0)
      log::warn("suite.leftovers_killed", {{"processes", killed}});
    return key;
  }
  const std::string key = random_hex(16);
  BATON_TRY_VOID(replace_file(path, key + "\n", 0600));
  return key;
}

Result<wire::Discovery> ask_program(const RunnerProgram& runner, const model::Suite& suite,
                                    int timeout_ms, int stop_fd) {
  BATON_TRY(spec, as_file(wire::encode_suite_spec(suite)));
  runner::Launch launch;
  launch.command = {runner.program};
  launch.command.insert(launch.command.end(), runner.verb.begin(), runner.verb.end());
  launch.command.insert(launch.command.end(), {"--discover", "--spec", "-"});
  launch.folder = "/";
  launch.environment = runner::base_environment();
  launch.input = spec.get();
  launch.environment[runner::kListKeyVariable] = runner.list_key;
  launch.death_signal = SIGTERM;  // its keeper ends the whole tree
  BATON_TRY(asked, runner::collect(std::move(launch), timeout_ms, stop_fd));
  if (asked.timed_out)
    return fail(Code::timeout, "listing its tests took longer than {} s", timeout_ms / 1000);
  if (asked.status != 0)
    return fail(Code::unprocessable, "{}",
                asked.errors.empty() ? "listing its tests failed"
                                     : asked.errors.substr(0, kReasonMax));
  return wire::decode_discovery(asked.output);
}

std::vector<model::Suite> complete_suites(const config::Config& config, const RunnerProgram& runner,
                                          store::Store& store) {
  Completion completion(runner, store);
  std::set<std::string> ids;
  std::vector<model::Suite> suites;
  for (const config::SuiteEntry& entry : config.suites) {
    if (entry.name.empty()) continue;
    const model::Suite& declared = entry;
    suites.push_back(entry.kind == model::Kind::cpp ? completion.named(entry) : declared);
    ids.insert(suites.back().id());
  }
  for (const config::SuiteEntry& entry : config.suites) {
    if (!entry.name.empty()) continue;
    // What has an entry of its own is declared there.
    for (model::Suite& suite : completion.all(entry))
      if (ids.insert(suite.id()).second) suites.push_back(std::move(suite));
  }
  return suites;
}

}  // namespace baton::app
