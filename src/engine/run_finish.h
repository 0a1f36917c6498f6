// SPDX-License-Identifier: MIT
#pragma once
// The two ends of a run's life under way: admission from the queue, and its one way to a verdict.
// For operations only.
#include <string_view>

#include "engine/rules.h"
#include "engine/writer.h"
#include "model/verdict.h"
#include "store/run_table.h"

namespace baton::engine {

/// Starts queued runs, the oldest first, while the limits have room. A run waits behind an older
/// one of another suite, but not behind one whose suite has reached its own limit.
Result<void> admit(Context& context, const Rules& rules);

/// Ends the run: closes attempts under way, gives every case its verdict, computes the run's,
/// clears its deadlines, makes it findable, starts what waited for it. The run is not finished yet.
/// message: why, "" when the verdict says all.
Result<void> finish_run(Context& context, const Rules& rules, store::RunRow& row,
                        model::Ending ending, std::string_view message);

/// The attempts under way become errored and interrupted; their cases stay pending, but for those
/// that have used up their attempts. Appends run.recorded when there were any.
Result<void> interrupt_attempts(Context& context, store::RunRow& row, std::string_view message);

}  // namespace baton::engine
