// SPDX-License-Identifier: MIT
#include "model/verdict.h"

#include <algorithm>

namespace baton::model {
namespace {

bool has_failed(Outcome outcome) {
  return outcome == Outcome::failed || outcome == Outcome::errored || outcome == Outcome::timed_out;
}

// The attempts that say something about the case, as verdict.h states it.
struct Telling {
  const Attempt* last = nullptr;
  bool failed_before = false;  // an attempt before the last one failed
};

Telling telling(std::span<const Attempt> attempts) {
  const bool any_own = std::any_of(attempts.begin(), attempts.end(),
                                   [](const Attempt& a) { return !a.interrupted; });
  const auto counts = [&](const Attempt& a) {
    return a.outcome != Outcome::running && !(any_own && a.interrupted);
  };
  const bool any_ran = std::any_of(attempts.begin(), attempts.end(), [&](const Attempt& a) {
    return counts(a) && a.outcome != Outcome::skipped;
  });
  Telling result;
  for (const Attempt& attempt : attempts) {
    if (!counts(attempt) || (any_ran && attempt.outcome == Outcome::skipped)) continue;
    if (result.last != nullptr && has_failed(result.last->outcome)) result.failed_before = true;
    result.last = &attempt;
  }
  return result;
}

}  // namespace

CaseVerdict verdict_of(std::span<const Attempt> attempts, bool finished, bool quarantined) {
  if (!finished) return CaseVerdict::pending;
  const Telling told = telling(attempts);
  if (told.last == nullptr) return CaseVerdict::skipped;
  if (quarantined && has_failed(told.last->outcome)) return CaseVerdict::quarantined_failure;
  switch (told.last->outcome) {
    case Outcome::passed: return told.failed_before ? CaseVerdict::flaky : CaseVerdict::passed;
    case Outcome::failed: return CaseVerdict::failed;
    case Outcome::errored: return CaseVerdict::errored;
    case Outcome::skipped: return CaseVerdict::skipped;
    case Outcome::timed_out: return CaseVerdict::timed_out;
    case Outcome::cancelled: return CaseVerdict::cancelled;
    case Outcome::running: break;
  }
  return CaseVerdict::errored;
}

bool is_soft(std::span<const Attempt> attempts) {
  const Telling told = telling(attempts);
  return told.last != nullptr && told.last->soft_failure;
}

int counted_attempts(std::span<const Attempt> attempts) {
  const auto interrupted = std::count_if(attempts.begin(), attempts.end(),
                                         [](const Attempt& a) { return a.interrupted; });
  return static_cast<int>(attempts.size()) - (interrupted > 0 ? 1 : 0);
}

CaseVerdict verdict_of_unfinished(Ending ending) {
  switch (ending) {
    case Ending::completed: return CaseVerdict::errored;
    case Ending::cancelled: return CaseVerdict::cancelled;
    case Ending::timed_out:
    case Ending::setup_failed:
    case Ending::errored: break;
  }
  return CaseVerdict::skipped;
}

Outcome outcome_of_unfinished(Ending ending) {
  if (ending == Ending::cancelled) return Outcome::cancelled;
  return ending == Ending::timed_out ? Outcome::timed_out : Outcome::errored;
}

RunVerdict verdict_of_run(const Tally& tally, Ending ending, bool allow_empty) {
  if (ending == Ending::cancelled) return RunVerdict::cancelled;
  if (ending == Ending::timed_out) return RunVerdict::timed_out;
  if (tally.failed > 0) return RunVerdict::failed;
  if (tally.errored > 0 || ending != Ending::completed) return RunVerdict::errored;
  if (tally.total == 0 && !allow_empty) return RunVerdict::empty;
  return RunVerdict::passed;
}

RunVerdict verdict_of_run(std::span<const CaseResult> cases, Ending ending, bool allow_empty) {
  Tally tally;
  for (const CaseResult& result : cases) {
    ++tally.total;
    const CaseVerdict verdict =
        result.verdict == CaseVerdict::pending ? verdict_of_unfinished(ending) : result.verdict;
    const bool failed = verdict == CaseVerdict::failed || verdict == CaseVerdict::timed_out;
    if (failed && !is_soft(result.attempts)) ++tally.failed;
    if (verdict == CaseVerdict::errored) ++tally.errored;
  }
  return verdict_of_run(tally, ending, allow_empty);
}

void add(Counts& counts, CaseVerdict verdict, int cases) {
  switch (verdict) {
    case CaseVerdict::pending: counts.pending += cases; return;
    case CaseVerdict::passed: counts.passed += cases; return;
    case CaseVerdict::failed:
    case CaseVerdict::timed_out: counts.failed += cases; return;
    case CaseVerdict::errored: counts.errored += cases; return;
    case CaseVerdict::skipped:
    case CaseVerdict::cancelled: counts.skipped += cases; return;
    case CaseVerdict::flaky: counts.flaky += cases; return;
    case CaseVerdict::quarantined_failure: counts.quarantined += cases; return;
  }
}

Counts count(std::span<const CaseResult> cases) {
  Counts counts;
  for (const CaseResult& result : cases) {
    ++counts.total;
    add(counts, result.verdict, 1);
  }
  return counts;
}

}  // namespace baton::model
