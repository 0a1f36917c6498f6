// SPDX-License-Identifier: MIT
#include "suite/run.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/ids.h"
#include "base/output_file.h"
#include "suite/junit.h"
#include "suite/progress.h"
#include "suite/supervisor.h"
#include "suite/variable.h"

namespace baton::suite {
namespace {

struct Selected {
  const SuiteSpec* suite;
  std::vector<const CaseSpec*> cases;
};

Result<std::vector<Selected>> select(const std::vector<SuiteSpec>& suites,
                                     const RunOptions& options) {
  std::vector<const SuiteSpec*> wanted;
  for (const std::string& name : options.suites) {
    BATON_TRY(suite, find_suite(suites, name));
    wanted.push_back(suite);
  }
  if (options.suites.empty())
    for (const SuiteSpec& suite : suites) wanted.push_back(&suite);
  std::vector<Selected> selected;
  for (const SuiteSpec* const suite : wanted) {
    BATON_TRY(cases, select_cases(*suite, options.filter));
    if (!cases.empty()) selected.push_back({suite, std::move(cases)});
  }
  return selected;
}

void print_selected(const std::vector<Selected>& selected) {
  for (const Selected& each : selected) {
    fmt::print("{}\n", each.suite->id());
    for (const CaseSpec* const test : each.cases) fmt::print("  {}\n", test->name);
  }
}

// What T::environment() and T::param() read; inherited by every process of the run.
void export_surroundings(const RunOptions& options) {
  if (!options.environment.empty()) ::setenv("BATON_ENVIRONMENT", options.environment.c_str(), 1);
  for (const auto& [key, value] : options.params)
    ::setenv(variable_name(kParameterPrefix, key).c_str(), value.c_str(), 1);
}

/// A temporary folder that goes with its owner.
class Scratch {
 public:
  Scratch() {
    const char* const root = std::getenv("TMPDIR");
    path_ = fmt::format("{}/baton-XXXXXX", root && *root ? root : "/tmp");
    if (!::mkdtemp(path_.data())) path_.clear();
  }
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Result<void> write_junit(const std::string& path, const std::vector<SuiteResult>& results) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code ignored;  // write_output_file() says why, when it cannot be made
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  auto written = write_output_file(path, junit_xml(results));
  if (written) return {};
  Error error = std::move(written).error();
  error.code = Code::unavailable;
  error.message = "--junit: " + error.message;
  if (error.fix.empty()) error.fix = "name a file that can be written";
  return tl::unexpected(std::move(error));
}

std::vector<SuiteResult> run_all(const std::vector<Selected>& selected, const RunOptions& options,
                                 Interrupts& interrupts, Progress& progress,
                                 const std::string& scratch) {
  std::vector<SuiteResult> results;
  for (int repetition = 1; repetition <= options.repeat; ++repetition) {
    for (const Selected& each : selected) {
      if (interrupts.count() > 0) return results;
      std::vector<const CaseSpec*> cases = each.cases;
      if (options.shuffle)
        shuffle(cases, *options.seed + static_cast<std::uint64_t>(repetition) - 1);
      progress.suite_started(*each.suite, cases.size(),
                             options.workers.value_or(each.suite->workers), repetition);
      const std::string folder = fmt::format("{}/{}", scratch, results.size());
      std::error_code ignored;
      std::filesystem::create_directories(folder, ignored);
      SuiteResult result =
          Supervisor(*each.suite, options, interrupts, progress, folder).run(cases);
      std::filesystem::remove_all(folder, ignored);
      result.repetition = repetition;
      progress.suite_finished(result);
      results.push_back(std::move(result));
    }
  }
  return results;
}

}  // namespace

Result<std::vector<const CaseSpec*>> select_cases(const SuiteSpec& suite,
                                                  const std::string& filter) {
  std::vector<const CaseSpec*> cases;
  RE2::Options quiet;
  quiet.set_log_errors(false);
  const RE2 expression(filter, quiet);
  if (!expression.ok())
    return fail_with_fix(Code::invalid, "the syntax is RE2's: https://github.com/google/re2/wiki",
                         "--filter \"{}\": {}", filter, expression.error());
  for (const CaseSpec& test : suite.cases)
    if (filter.empty() || RE2::PartialMatch(test.name, expression)) cases.push_back(&test);
  return cases;
}

void shuffle(std::vector<const CaseSpec*>& cases, std::uint64_t seed) {
  // Not std::shuffle: its result differs between standard libraries.
  Ids random(seed);
  for (std::size_t i = cases.size(); i > 1; --i)
    std::swap(cases[i - 1], cases[static_cast<std::size_t>(random.next() % i)]);
}

Result<int> run_headless(const std::vector<SuiteSpec>& suites, RunOptions options) {
  BATON_TRY(selected, select(suites, options));
  if (options.list) {
    print_selected(selected);
    return kExitPassed;
  }
  if (options.seed) options.shuffle = true;
  // Five digits are easy to type again and enough to vary.
  if (options.shuffle && !options.seed) options.seed = Ids().next() % 100'000;
  export_surroundings(options);
  Progress progress(options);
  Interrupts interrupts;
  const Scratch scratch;
  if (scratch.path().empty())
    return fail_with_fix(Code::unavailable, "set TMPDIR to a folder that can be written",
                         "no temporary folder can be made");
  const std::vector<SuiteResult> results =
      run_all(selected, options, interrupts, progress, scratch.path());
  int code = exit_code_of(results, options.fail_on_flaky);
  if (code == kExitEmpty && options.allow_empty) code = kExitPassed;
  if (interrupts.count() > 0) code = 128 + interrupts.signal();
  progress.summary(results, code);
  if (code == kExitEmpty && !options.json)
    fmt::print(stderr, "baton: no test is selected\nfix: see the names with --list\n");
  if (options.json) fmt::print("{}\n", report_json(results, options, code));
  std::fflush(stdout);
  if (!options.junit.empty()) BATON_TRY_VOID(write_junit(options.junit, results));
  return code;
}

}  // namespace baton::suite
