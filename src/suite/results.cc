// SPDX-License-Identifier: MIT
#include "suite/results.h"

#include <algorithm>

namespace baton::suite {
namespace {

bool is_failure(Verdict outcome) {
  return outcome == Verdict::failed || outcome == Verdict::errored || outcome == Verdict::timed_out;
}

}  // namespace

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::pending: return "pending";
    case Verdict::passed: return "passed";
    case Verdict::failed: return "failed";
    case Verdict::errored: return "errored";
    case Verdict::skipped: return "skipped";
    case Verdict::timed_out: return "timed_out";
    case Verdict::cancelled: return "cancelled";
    case Verdict::flaky: return "flaky";
  }
  return "";
}

const AttemptResult* CaseResult::last() const {
  // A retry that skips itself says nothing about the failure before it.
  for (auto at = attempts.rbegin(); at != attempts.rend(); ++at)
    if (at->outcome != Verdict::skipped) return &*at;
  return attempts.empty() ? nullptr : &attempts.back();
}

Verdict CaseResult::verdict() const {
  const AttemptResult* const told = last();
  if (!told) return Verdict::pending;
  const bool failed_before = std::any_of(
      attempts.begin(), attempts.end(),
      [&](const AttemptResult& attempt) { return &attempt < told && is_failure(attempt.outcome); });
  return told->outcome == Verdict::passed && failed_before ? Verdict::flaky : told->outcome;
}

bool CaseResult::fails_run() const {
  const AttemptResult* const told = last();
  if (!told || told->soft_failure) return false;
  return told->outcome == Verdict::failed || told->outcome == Verdict::timed_out;
}

Verdict SuiteResult::verdict() const {
  if (ending == Ending::cancelled) return Verdict::cancelled;
  if (ending == Ending::timed_out) return Verdict::timed_out;
  bool errored = ending != Ending::completed;
  for (const CaseResult& result : cases) {
    if (result.fails_run()) return Verdict::failed;
    errored = errored || result.verdict() == Verdict::errored;
  }
  return errored ? Verdict::errored : Verdict::passed;
}

Counts count(const std::vector<SuiteResult>& results) {
  Counts counts;
  for (const SuiteResult& result : results) {
    for (const CaseResult& test : result.cases) {
      ++counts.total;
      switch (test.verdict()) {
        case Verdict::pending: ++counts.pending; break;
        case Verdict::passed: ++counts.passed; break;
        case Verdict::failed:
        case Verdict::timed_out: ++counts.failed; break;
        case Verdict::errored: ++counts.errored; break;
        case Verdict::skipped:
        case Verdict::cancelled: ++counts.skipped; break;
        case Verdict::flaky: ++counts.flaky; break;
      }
    }
  }
  return counts;
}

int exit_code_of(const std::vector<SuiteResult>& results, bool fail_on_flaky) {
  bool failed = false, errored = false, timed_out = false;
  for (const SuiteResult& result : results) {
    const Verdict verdict = result.verdict();
    failed = failed || verdict == Verdict::failed;
    errored = errored || verdict == Verdict::errored || verdict == Verdict::cancelled;
    timed_out = timed_out || verdict == Verdict::timed_out;
  }
  const Counts counts = count(results);
  if (timed_out) return kExitTimedOut;
  if (failed) return kExitFailed;
  if (errored) return kExitErrored;
  if (counts.total == 0) return kExitEmpty;
  return fail_on_flaky && counts.flaky > 0 ? kExitFlaky : kExitPassed;
}

}  // namespace baton::suite
