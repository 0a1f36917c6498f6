// SPDX-License-Identifier: MIT
// A runner's life as the server sees it: it takes the job, is heard of, is lost, is replaced.
#include <algorithm>

#include "engine/deadline_kinds.h"
#include "engine/lease_status.h"
#include "engine/record_ops.h"
#include "engine/run_finish.h"
#include "engine/run_ops.h"
#include "store/case_table.h"
#include "store/journal_table.h"
#include "store/suite_table.h"

namespace baton::engine {
namespace {

using model::RunState;
using store::RunRow;

constexpr int kRecoverPage = 500;

// The run, when `epoch` is the one that may speak for it.
Result<RunRow> run_of_epoch(store::Session& session, RunId id, int epoch) {
  BATON_TRY(row, get_run(session, id));
  if (row.run.state == RunState::finished)
    return fail(Code::gone, "run {} has finished: {}", raw(id), name_of(row.run.verdict));
  if (row.run.state != RunState::running || row.run.epoch != epoch)
    return fail(Code::conflict, "run {} is at epoch {}, not {}", raw(id), row.run.epoch, epoch);
  return row;
}

// Sets the backstop of the run's time-out with the first claim.  Result: what is left of the
// time-out itself.
Result<std::optional<Duration>> begin_timeout(Context& context, const Rules& rules,
                                              const RunRow& row, const model::Suite& suite) {
  const Duration timeout = row.run.request.timeout.value_or(suite.timeout);
  if (timeout <= Duration{0}) return std::optional<Duration>{};
  const std::string subject = store::run_subject(row.run.id);
  const Duration grace = suite.kill_grace + rules.timeout_grace;
  BATON_TRY(due, store::find_deadline(context.tx.sql(), kRunTimeout, subject));
  if (!due) {
    BATON_TRY_VOID(context.tx.set_deadline(kRunTimeout, subject, context.now.at + timeout + grace));
    return std::optional{timeout};
  }
  return std::optional{std::clamp(*due - grace - context.now.at, Duration{0}, timeout)};
}

}  // namespace

Result<Job> claim_job(Context& context, const Rules& rules, RunId id, int epoch) {
  BATON_TRY(row, run_of_epoch(context.tx.sql(), id, epoch));
  BATON_TRY(suite, store::find_suite(context.tx.sql(), row.suite_id));
  if (!suite) return fail(Code::internal, "the suite of run {} is not there", raw(id));
  Job job;
  BATON_TRY(left, begin_timeout(context, rules, row, suite->suite));
  job.time_left = left;
  if (row.run.counts.total > 0) {
    BATON_TRY(progress, store::case_progress(context.tx.sql(), id));
    job.progress = std::move(progress);
  }
  BATON_TRY_VOID(context.tx.set_deadline(kRunnerLost, store::run_subject(id),
                                         context.now.at + rules.runner_ttl));
  if (!row.run.lease.empty()) {
    BATON_TRY(lease, get_lease(context.tx.sql(), row.run.lease));
    BATON_TRY(status, status_of(context, std::move(lease)));
    job.fence = status.lease.fence;
    job.properties = std::move(status.properties);
  }
  job.run = std::move(row.run);
  job.suite = std::move(suite->suite);
  return job;
}

Result<void> runner_alive(Context& context, const Rules& rules, RunId id, int epoch) {
  BATON_TRY_VOID(run_of_epoch(context.tx.sql(), id, epoch));
  return context.tx.set_deadline(kRunnerLost, store::run_subject(id),
                                 context.now.at + rules.runner_start);
}

Result<void> runner_lost(Context& context, const Rules& rules, RunId id, int epoch,
                         std::string_view reason) {
  BATON_TRY(row, store::find_run(context.tx.sql(), id));
  if (!row || row->run.state != RunState::running || row->run.epoch != epoch) return {};
  BATON_TRY_VOID(interrupt_attempts(context, *row, fmt::format("interrupted ({})", reason)));
  if (row->run.cancel_requested)
    return finish_run(context, rules, *row, model::Ending::cancelled, row->run.cancel_reason);
  if (row->run.resumes >= model::kResumesMax)
    return finish_run(context, rules, *row, model::Ending::errored,
                      fmt::format("{}; {} runners were lost before", reason, row->run.resumes));
  BATON_TRY_VOID(store::mark_resumed(context.tx, *row, reason));
  return context.tx.set_deadline(kRunnerLost, store::run_subject(id),
                                 context.now.at + rules.runner_start);
}

namespace {

// What the runner's own end of the run is waited for, counted from now at least: what it did while
// the server was down arrives first.
Result<void> recover_timeout(Context& context, const Rules& rules, const RunRow& row) {
  const std::string subject = store::run_subject(row.run.id);
  BATON_TRY(due, store::find_deadline(context.tx.sql(), kRunTimeout, subject));
  if (!due || !row.run.started_at) return {};
  const TimePoint earliest = context.now.at + rules.runner_ttl + rules.timeout_grace;
  // The clock may have been set back meanwhile.
  const TimePoint latest = context.now.at + std::max(Duration{0}, *due - *row.run.started_at);
  const TimePoint next = std::max(earliest, std::min(*due, latest));
  if (next == *due) return {};
  return context.tx.set_deadline(kRunTimeout, subject, next);
}

}  // namespace

Result<void> recover_runs(Context& context, const Rules& rules) {
  store::Tx& tx = context.tx;
  RunId after{0};
  for (;;) {
    BATON_TRY(rows, store::runs_in_state(tx.sql(), RunState::running, after, kRecoverPage));
    for (const RunRow& row : rows) {
      const std::string subject = store::run_subject(row.run.id);
      // A runner that has spoken beats soon; another one may still have to be launched.
      const Duration patience = row.run.acked > 0 ? rules.runner_ttl : rules.runner_start;
      BATON_TRY_VOID(tx.set_deadline(kRunnerLost, subject, context.now.at + patience));
      BATON_TRY_VOID(recover_timeout(context, rules, row));
      if (!row.run.cancel_requested) continue;
      BATON_TRY(suite, store::find_suite(tx.sql(), row.suite_id));
      const Duration grace = suite ? suite->suite.kill_grace : Duration{0};
      BATON_TRY_VOID(
          tx.set_deadline(kRunCancel, subject, context.now.at + grace + rules.cancel_grace));
    }
    if (rows.size() < static_cast<std::size_t>(kRecoverPage)) return admit(context, rules);
    after = rows.back().run.id;
  }
}

}  // namespace baton::engine
