// SPDX-License-Identifier: MIT
#pragma once
// The lease of a run that names an environment. The server itself is the holder: the lease has no
// TTL and ends with the run. For operations only.
#include "engine/lease_ops.h"
#include "engine/rules.h"
#include "engine/writer.h"
#include "store/run_table.h"

namespace baton::engine {

/// The queued run gets its lease, or becomes `waiting` until it does. Errors: those of acquire.
Result<void> lease_for_run(Context& context, const Rules& rules, store::RunRow& row);

/// The run's lease was granted: a waiting run may start when there is room (admit).
Result<void> run_has_lease(Context& context, RunId run);

/// The run has its verdict: the lease ends with the outcome that follows from it, and what happened
/// on the environment meanwhile is stored.
Result<void> release_for_run(Context& context, const Rules& rules, store::RunRow& row);

/// Somebody wants to end the lease of a run: that cancels the run, and the lease ends with it.
Result<LeaseStatus> end_with_run(Context& context, const Rules& rules, model::Lease lease,
                                 std::string_view by, std::string_view reason);

}  // namespace baton::engine
