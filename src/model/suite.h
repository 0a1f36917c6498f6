// SPDX-License-Identifier: MIT
#pragma once
// A suite: a named set of cases and how to run them. Plain data; read by everybody, owned by
// nobody.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace baton::model {

/// What kind of program a suite is: how its cases are discovered, selected and reported.
enum class Kind { cpp, gtest, catch2, doctest, ctest, pytest, playwright, go, tap, junit, command };
std::string_view name_of(Kind kind);
Result<Kind> parse_kind(std::string_view text);

/// Whether each case is a process of its own or the whole suite is one process.
enum class Isolate { suite, per_case };
std::string_view name_of(Isolate isolate);  // "suite", "case"
Result<Isolate> parse_isolate(std::string_view text);

/// Who declared the suite: a configuration file (read-only for the API), the API, or `baton run
/// --`.
enum class SuiteSource { file, api, adhoc };
std::string_view name_of(SuiteSource source);
Result<SuiteSource> parse_suite_source(std::string_view text);

using Labels = std::map<std::string, std::string>;

/// One case as discovery found it.
struct Case {
  std::string name;
  std::string description;
  std::string file;  // "" when unknown
  int line = 0;      // 0 when unknown
  Labels labels;
  std::optional<int> max_attempts;  // overrides the suite's
  std::optional<Duration> timeout;  // overrides the suite's attempt time-out
};

/// How to run a suite. What is not set in the declaration has the default below.
struct Suite {
  std::string namespace_ = "default";
  std::string name;
  std::string description;  // Markdown
  std::string owner;
  Labels labels;
  Kind kind = Kind::command;
  SuiteSource source = SuiteSource::api;
  std::vector<std::string> command;  // argv; a relative program is relative to `folder`
  std::string folder;                // working directory: where the declaring baton.yaml lies
  std::map<std::string, std::string> environment_variables;
  std::string environment;  // the environment it needs; "" for none
  Isolate isolate = Isolate::suite;
  int workers = 1;           // attempts in flight, 1 to 64
  int max_attempts = 1;      // 1 to 100
  Duration back_off{0};      // wait before attempt 2; doubles per attempt, at most a minute
  Duration timeout{0};          // of the whole run; 0 = none
  Duration attempt_timeout{0};  // of one attempt; 0 = none
  Duration kill_grace{2'000};   // between SIGTERM and SIGKILL
  std::int64_t log_limit = 64LL << 20;  // bytes kept of one attempt's output (head and tail)
  std::vector<std::string> reports;    // globs of result files (kind junit)
  std::vector<std::string> artifacts;  // globs of files to keep
  bool allow_empty = false;
  int running_runs = 0;  // runs of it at the same time; 0 = only the server's limit
  std::vector<Case> cases;      // as of the last discovery
  std::string discovery_error;  // why discovery failed, "" when it did not
  std::int64_t revision = 0;    // counts changes of the declaration; the ETag

  std::string id() const { return namespace_ + "/" + name; }
};

/// A name of a namespace or a suite: 1 to 100 of [A-Za-z0-9_.-], not starting with '.' or '-'.
/// (They become URL parts and file names.)  Errors: invalid.
Result<void> check_name(std::string_view what, std::string_view name);
/// A test's name: any non-empty valid UTF-8 up to 1,000 bytes.  Errors: invalid.
Result<void> check_case_name(std::string_view name);
/// Ranges and required fields of a whole declaration.  Errors: invalid, with one detail per field.
Result<void> check_suite(const Suite& suite);

}  // namespace baton::model
