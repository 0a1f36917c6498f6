// SPDX-License-Identifier: MIT
#pragma once
// What happens when a deadline is due, and after a start of the server.
#include "engine/rules.h"
#include "engine/writer.h"

namespace baton::engine {

/// A deadline that is seen this late means that the server did not run meanwhile (stopped,
/// suspended): runners could not be heard of, so they get their full time again.
inline constexpr Duration kPauseNoticed = std::chrono::seconds{5};

/// Runs what the deadline stands for; its row is removed already. The Writer's OnDeadline, with the
/// rules bound. An unknown kind is passed over: a newer Baton of the same schema may have set it.
///
/// runner_lost: the runner was silent for too long: runner_lost (record_ops.h).
/// run_timeout: the runner did not end the run at its time-out: it ends timed_out.
/// run_cancel: the runner did not end the run when told to: it ends cancelled.
/// schedule: schedule_due.  housekeeping: one piece, and the next deadline.
Result<void> on_deadline(Context& context, const Rules& rules, const store::Deadline& deadline);

/// After opening the database, before the writer runs anything: gives runners and schedules their
/// time again. A transaction of its own, because the writer runs due deadlines before its first
/// command, and a deadline that passed while the server was down says nothing.
Result<void> recover(store::Store& store, const Rules& rules, Now now);

}  // namespace baton::engine
