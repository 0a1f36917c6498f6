// SPDX-License-Identifier: MIT
#include "engine/deadline_ops.h"

#include "engine/booking_ops.h"
#include "engine/deadline_kinds.h"
#include "engine/delivery_ops.h"
#include "engine/gate_ops.h"
#include "engine/lease_ops.h"
#include "engine/record_ops.h"
#include "engine/retention_ops.h"
#include "engine/run_finish.h"
#include "engine/schedule_ops.h"
#include "engine/slot_ops.h"
#include "store/delivery_table.h"
#include "store/gate_table.h"
#include "store/run_table.h"
#include "store/schedule_table.h"

namespace baton::engine {
namespace {

constexpr std::string_view kServer = "server";

Result<void> runner_silent(Context& context, const Rules& rules, const store::Deadline& deadline) {
  BATON_TRY(row, store::find_run(context.tx.sql(), store::run_of_subject(deadline.subject)));
  // A deadline of the same round may have ended the run already.
  if (!row || row->run.state != model::RunState::running) return {};
  if (context.now.at - deadline.due > kPauseNoticed)
    return context.tx.set_deadline(kRunnerLost, deadline.subject,
                                   context.now.at + rules.runner_ttl);
  return runner_lost(context, rules, row->run.id, row->run.epoch, "the runner was lost");
}

// The runner was to end the run and did not; whatever it still says is answered `gone`.
Result<void> end_run(Context& context, const Rules& rules, const store::Deadline& deadline,
                     model::Ending ending) {
  BATON_TRY(row, store::find_run(context.tx.sql(), store::run_of_subject(deadline.subject)));
  if (!row || row->run.state != model::RunState::running) return {};
  // The process was stopped meanwhile: the runner's own end may be on its way.
  if (context.now.at - deadline.due > kPauseNoticed)
    return context.tx.set_deadline(deadline.kind, deadline.subject,
                                   context.now.at + rules.runner_ttl);
  const std::string message = ending == model::Ending::cancelled
                                  ? row->run.cancel_reason
                                  : "the run's time-out was over and its runner did not end it";
  return finish_run(context, rules, *row, ending, message);
}

Result<void> keep_house(Context& context, const Rules& rules) {
  BATON_TRY(more, housekeeping(context, rules));
  return context.tx.set_deadline(kHousekeeping, kServer,
                                 context.now.at + (more ? kHousekeepingAgain : kHousekeepingEvery));
}

Result<void> recover_all(Context& context, const Rules& rules) {
  BATON_TRY_VOID(recover_runs(context, rules));
  BATON_TRY_VOID(rearm_schedules(context));
  BATON_TRY_VOID(recover_leases(context));
  BATON_TRY_VOID(recover_slots(context));
  BATON_TRY_VOID(rearm_bookings(context));
  BATON_TRY_VOID(recover_gates(context));
  BATON_TRY_VOID(recover_deliveries(context));
  // A minute later, so that starting is quick and runners are heard of first.
  return context.tx.set_deadline(kHousekeeping, kServer, context.now.at + std::chrono::minutes{1});
}

}  // namespace

Result<void> on_deadline(Context& context, const Rules& rules, const store::Deadline& deadline) {
  if (deadline.kind == kRunnerLost) return runner_silent(context, rules, deadline);
  if (deadline.kind == kRunTimeout)
    return end_run(context, rules, deadline, model::Ending::timed_out);
  if (deadline.kind == kRunCancel)
    return end_run(context, rules, deadline, model::Ending::cancelled);
  if (deadline.kind == kScheduleDue)
    return schedule_due(context, rules, store::schedule_of_subject(deadline.subject));
  if (deadline.kind.starts_with("lease_")) return lease_due(context, rules, deadline);
  if (deadline.kind.starts_with("slot_")) return slot_due(context, rules, deadline);
  if (deadline.kind == kBookingEdge) return booking_due(context, rules, deadline.subject);
  if (deadline.kind == kGateDue)
    return gate_due(context, rules, store::gate_of_subject(deadline.subject));
  if (deadline.kind == kDeliveryDue)
    return delivery_due(context, store::delivery_of_subject(deadline.subject));
  if (deadline.kind == kHousekeeping) return keep_house(context, rules);
  return {};
}

Result<void> recover(store::Store& store, const Rules& rules, Now now) {
  BATON_TRY_VOID(store.begin());
  auto recovered = store.savepoint();
  if (recovered) {
    Ids ids(0);  // nothing here draws from it
    store::Tx tx(store.writer(), now);
    Beats beats;  // nobody was heard of yet
    Context context{tx, now, ids, beats};
    recovered = recover_all(context, rules);
  }
  if (recovered) recovered = store.release_savepoint();
  if (recovered) return store.commit();
  store.rollback();
  return recovered;
}

}  // namespace baton::engine
