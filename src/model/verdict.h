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

/// The verdict of one case. The last attempt counts; passed after a failure is flaky; a case whose
/// every attempt failed is never flaky. `finished` says that no further attempt will come.
CaseVerdict verdict_of(std::span<const Attempt> attempts, bool finished, bool quarantined);

/// The verdict of a run from its cases: cancelled and timed_out by the ending; then `empty` when no
/// case was selected or ran (passed with allow_empty); then failed when a case failed or timed out
/// without being soft or quarantined; then errored; else passed.
RunVerdict verdict_of_run(std::span<const CaseResult> cases, Ending ending, bool allow_empty);

Counts count(std::span<const CaseResult> cases);

}  // namespace baton::model
