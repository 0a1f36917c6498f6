// SPDX-License-Identifier: MIT
#pragma once
// What a headless run found out, and the verdict over it: the same rules as a server's
// (passed after a failure is flaky; a soft failure fails nothing; nothing run is never green).
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "suite/registry.h"

namespace baton::suite {

enum class Verdict { pending, passed, failed, errored, skipped, timed_out, cancelled, flaky };
std::string_view name_of(Verdict verdict);

struct SpanResult {
  std::string name;
  std::int64_t started_at = 0;
  std::int64_t duration_ms = 0;
  std::vector<std::pair<std::string, std::string>> context;
};

struct AttemptResult {
  int number = 1;
  Verdict outcome = Verdict::errored;  // never pending or flaky
  bool soft_failure = false;
  std::int64_t started_at = 0;  // ms since 1970
  std::int64_t duration_ms = 0;
  std::string message;
  std::string file;
  int line = 0;
  std::vector<SpanResult> spans;
  std::vector<std::pair<std::string, std::string>> values;
  std::vector<std::pair<std::string, std::string>> artifacts;  // name, path of the kept copy
  std::string output;                                          // head and tail when it was long
};

struct CaseResult {
  const CaseSpec* test = nullptr;
  std::vector<AttemptResult> attempts;

  Verdict verdict() const;
  /// The attempt that decides; null before the first.
  const AttemptResult* last() const;
  bool fails_run() const;
};

/// How a suite's run ended.
enum class Ending { completed, timed_out, cancelled, setup_failed, errored };

struct SuiteResult {
  const SuiteSpec* suite = nullptr;
  int repetition = 1;
  Ending ending = Ending::completed;
  std::string message;  // why it did not complete
  AttemptResult setup;
  AttemptResult teardown;  // a failed teardown is reported and changes no verdict
  std::vector<CaseResult> cases;
  std::int64_t duration_ms = 0;

  Verdict verdict() const;
};

struct Counts {
  int total = 0, passed = 0, failed = 0, errored = 0, skipped = 0, flaky = 0, pending = 0;
};
Counts count(const std::vector<SuiteResult>& results);

/// The exit codes that people and pipelines rely on.
enum Exit : int {
  kExitPassed = 0,
  kExitError = 1,
  kExitUsage = 2,
  kExitEmpty = 5,
  kExitFailed = 10,
  kExitErrored = 11,
  kExitFlaky = 12,
  kExitTimedOut = 124,
};
int exit_code_of(const std::vector<SuiteResult>& results, bool fail_on_flaky);

}  // namespace baton::suite
