// SPDX-License-Identifier: MIT
#pragma once
// Operations of a run's runner. A runner is known by its epoch: each new one of the same run counts
// it up, and what an older one says is refused with conflict, so that at most one is listened to.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/rules.h"
#include "engine/writer.h"
#include "model/record.h"
#include "model/suite.h"
#include "store/run_table.h"

namespace baton::engine {

/// What a runner has to do.
struct Job {
  model::Run run;
  model::Suite suite;
  std::vector<model::CaseProgress> progress;  // of earlier runners; empty in a run's first epoch
  std::optional<Duration> time_left;          // of the run's time-out, when it has one
  std::int64_t fence = 0;                     // of the run's lease, when it has one
  std::map<std::string, std::string> properties;  // of its environment
};

/// The runner of `epoch` takes the job; repeating it is harmless. The run's time-out begins with
/// the first claim. Errors: conflict (the run has another epoch, or is queued), gone (finished or
/// deleted), not_found.
Result<Job> claim_job(Context& context, const Rules& rules, RunId run, int epoch);

struct Applied {
  std::int64_t acked = 0;  // the last record that is stored
  bool cancel = false;     // the run shall end
  std::string reason;
};

/// Stores what the records say; those that are stored already are passed over, so that a batch may
/// be sent again. Any call is a sign of life, an empty batch nothing else. Errors: conflict
/// (another epoch), gone (finished or deleted, and the batch holds something new), not_found,
/// invalid (a gap in the sequence; a name or a path that cannot be).
Result<Applied> apply_records(Context& context, const Rules& rules, RunId run, int epoch,
                              const std::vector<model::Record>& records);

/// An executor knows that the runner is coming (a container is being pulled): the run is not taken
/// for lost during the next Rules::runner_start.  Errors: as claim_job.
Result<void> runner_alive(Context& context, const Rules& rules, RunId run, int epoch);

/// The runner of this epoch is gone: attempts under way are interrupted, and a new runner is asked
/// for, at most kResumesMax times; then the run ends errored. A cancelled run ends cancelled.
/// Nothing happens when the epoch is over already.
Result<void> runner_lost(Context& context, const Rules& rules, RunId run, int epoch,
                         std::string_view reason);

/// After a start of the server: every runner gets a full time to be heard of again, since nobody
/// could reach the server meanwhile, and deadlines far off (the clock was set back) come closer.
Result<void> recover_runs(Context& context, const Rules& rules);

}  // namespace baton::engine
