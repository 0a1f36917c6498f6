// SPDX-License-Identifier: MIT
#pragma once
// Forgetting: runs by age and count, the journal, answers to keys, expired tokens of runners. Each
// call does a bounded piece, so that it never holds up the writer.
#include "engine/rules.h"
#include "engine/writer.h"

namespace baton::engine {

inline constexpr Duration kHousekeepingEvery = std::chrono::hours{1};
/// Between two pieces while there is more to do: others get their turn.
inline constexpr Duration kHousekeepingAgain = std::chrono::seconds{1};
/// Runs per piece: 20 runs of 1,000 cases are removed in about 20 ms.
inline constexpr int kRunsPerPiece = 20;

/// One piece. Result: whether there is more to do.
Result<bool> housekeeping(Context& context, const Rules& rules);

/// A reader of the journal has done everything up to `seq`: what every reader has done may be
/// pruned.
Result<void> advance_reader(Context& context, std::string_view name, Seq seq);

}  // namespace baton::engine
