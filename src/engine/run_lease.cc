// SPDX-License-Identifier: MIT
#include "engine/run_lease.h"

#include "base/text.h"
#include "engine/lease_grant.h"
#include "engine/lease_status.h"
#include "engine/run_ops.h"
#include "store/lease_table.h"

namespace baton::engine {
namespace {

using model::Lease;
using model::LeaseState;
using model::RunVerdict;
using store::RunRow;

constexpr int kEventsMax = 100;

model::LeaseOutcome outcome_of(RunVerdict verdict) {
  // A suite that came to its end has torn down what it made.
  const bool ended = verdict == RunVerdict::passed || verdict == RunVerdict::failed ||
                     verdict == RunVerdict::empty;
  return ended ? model::LeaseOutcome::clean : model::LeaseOutcome::dirty;
}

// Other leases that were in use beside the run's, and what happened to the environment.
Result<std::string> happened_beside(Context& context, const Lease& lease) {
  store::Session& sql = context.tx.sql();
  std::string list;
  int count = 0;
  const auto add = [&](std::string entry) {
    if (count++ < kEventsMax) list += (list.empty() ? "" : ",") + entry;
  };
  for (const std::string& name : environments_of(lease)) {
    BATON_TRY(uses, store::uses_between(sql, name, *lease.granted_at, context.now.wall));
    for (const store::Use& use : uses) {
      if (use.seq == lease.seq) continue;
      BATON_TRY(other, store::lease_at(sql, use.seq));
      if (other)
        add(fmt::format(R"({{"kind":"lease","at":"{}","lease":{},"holder":{}}})",
                        format_rfc3339(use.from), json_quote(other->id), holder_json(*other)));
    }
    BATON_TRY(events, store::environment_events(sql, name, *lease.granted_at, kEventsMax));
    for (const model::Event& event : events)
      add(fmt::format(R"({{"kind":"{}","at":"{}","data":{}}})", event.kind,
                      format_rfc3339(event.at), event.data));
  }
  return "[" + list + "]";
}

}  // namespace

Result<void> lease_for_run(Context& context, const Rules& rules, RunRow& row) {
  const model::Run& run = row.run;
  if (run.request.environment.empty()) return {};
  model::LeaseRequest request;
  request.wants.push_back({run.request.environment, {}, model::LeaseMode::exclusive, 1});
  request.holder.name = fmt::format("run {}", raw(run.id));
  request.holder.reason = fmt::format("{}/{}", run.namespace_, run.suite);
  request.source = model::LeaseSource::run;
  request.run = run.id;
  request.waits_for_ever = true;
  BATON_TRY(status, acquire(context, rules, std::move(request), "run"));
  BATON_TRY_VOID(store::set_lease(context.tx, row, status.lease.id));
  if (status.lease.state == LeaseState::held) return {};
  return store::mark_waiting(context.tx, row);
}

Result<void> run_has_lease(Context& context, RunId run) {
  BATON_TRY(row, store::find_run(context.tx.sql(), run));
  // A run that is being made asks for its lease itself and is not waiting yet.
  if (!row || row->run.state != model::RunState::waiting) return {};
  return store::mark_ready(context.tx, *row);
}

Result<void> release_for_run(Context& context, const Rules& rules, RunRow& row) {
  if (row.run.lease.empty()) return {};
  BATON_TRY(found, store::find_lease(context.tx.sql(), row.run.lease));
  if (!found || !found->is_live()) return {};
  Lease& lease = *found;
  const bool held = lease.state == LeaseState::held;
  End how{held ? LeaseState::released : LeaseState::cancelled, "", ""};
  if (held) {
    lease.outcome = outcome_of(row.run.verdict);
    BATON_TRY(events, happened_beside(context, lease));
    BATON_TRY_VOID(
        store::put_run_environment(context.tx, row.run.id, {lease.fence, std::move(events)}));
  }
  const std::string reason =
      fmt::format("run {} {}", raw(row.run.id), name_of(row.run.verdict));
  how.reason = reason;
  BATON_TRY(names, end_lease(context, lease, how));
  return settle(context, rules, std::move(names));
}

Result<LeaseStatus> end_with_run(Context& context, const Rules& rules, Lease lease,
                                 std::string_view by, std::string_view reason) {
  const std::string why = fmt::format("its lease was ended by {}{}{}", by.empty() ? "?" : by,
                                      reason.empty() ? "" : ": ", reason);
  auto cancelled = cancel_run(context, rules, *lease.request.run, why);
  // Finished meanwhile, or gone: then the lease is over, too.
  if (!cancelled && cancelled.error().code != Code::conflict &&
      cancelled.error().code != Code::gone)
    return tl::unexpected(std::move(cancelled).error());
  BATON_TRY(now, get_lease(context.tx.sql(), lease.id));
  return status_of(context, std::move(now));
}

}  // namespace baton::engine
