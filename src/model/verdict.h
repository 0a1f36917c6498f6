// SPDX-License-Identifier: MIT
#pragma once
// The rules that turn attempts into verdicts. Pure.
#include <span>

#include "model/run.h"

namespace baton::model {

/// Why the runner stopped.
enum class Ending { completed, timed_out, cancelled, setup_failed, errored };
std::string_view name_of(Ending ending);
Result<Ending> parse_ending(std::string_view text);

/// The verdict of one case; pending unless `finished` says that no further attempt will come.
/// Interrupted attempts are left out when there are others; skipped ones when another one ran, so
/// that a retry cannot skip a failure away. Then the last attempt counts: passed after a failure is
/// flaky, and a case whose every attempt failed is never flaky. No attempt at all: skipped.
CaseVerdict verdict_of(std::span<const Attempt> attempts, bool finished, bool quarantined);

/// Whether the attempt that decides the verdict was a soft failure: it does not fail the run.
bool is_soft(std::span<const Attempt> attempts);

/// How many attempts count against max_attempts: the first interruption is not the case's fault,
/// every further one is taken as its own doing.
int counted_attempts(std::span<const Attempt> attempts);

/// What a case becomes that has no verdict when the run ends: cancelled or skipped by the ending;
/// errored when the runner says that it completed, since a case that never ran is not a success.
CaseVerdict verdict_of_unfinished(Ending ending);
/// The same for an attempt that was under way.
Outcome outcome_of_unfinished(Ending ending);

/// What a run's verdict depends on.
struct Tally {
  int total = 0;
  int failed = 0;   // failed or timed out, neither soft nor quarantined
  int errored = 0;  // not quarantined
};

/// The verdict of a run: cancelled and timed_out by the ending; then failed when a case failed or
/// timed out without being soft or quarantined; then errored when a case or the ending is (a failed
/// setup too); then `empty` when no case was selected (passed with allow_empty); else passed.
RunVerdict verdict_of_run(const Tally& tally, Ending ending, bool allow_empty);
RunVerdict verdict_of_run(std::span<const CaseResult> cases, Ending ending, bool allow_empty);

/// Adds `cases` (may be negative) to the part that `verdict` belongs to; `total` is left alone.
void add(Counts& counts, CaseVerdict verdict, int cases);
Counts count(std::span<const CaseResult> cases);

}  // namespace baton::model
