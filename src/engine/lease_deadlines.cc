// SPDX-License-Identifier: MIT
// What time does to leases.
#include <algorithm>

#include "engine/deadline_kinds.h"
#include "engine/lease_grant.h"
#include "engine/lease_ops.h"
#include "store/journal_table.h"
#include "store/lease_table.h"

namespace baton::engine {
namespace {

using model::Lease;
using model::LeaseState;

constexpr int kPage = 500;
// Grants are counted from the start's time in microseconds: a server that was set back to an older
// state starts beyond every fence that was given since, as long as it gives fewer than a million a
// second.
constexpr std::int64_t kFencesPerMillisecond = 1'000;

Result<void> end_and_settle(Context& context, const Rules& rules, Lease& lease, const End& how) {
  BATON_TRY(names, end_lease(context, lease, how));
  return settle(context, rules, std::move(names));
}

// Heard of since the deadline was set: it is moved. Result: whether it was.
Result<bool> still_alive(Context& context, const Lease& lease, const store::Deadline& deadline) {
  const Beats::Beat beat = context.beats.of(lease.id);
  if (beat.fence != lease.fence || beat.until <= context.now.at) return false;
  BATON_TRY_VOID(context.tx.set_deadline(deadline.kind, deadline.subject, beat.until));
  return true;
}

Result<void> held_due(Context& context, const Rules& rules, Lease& lease,
                      const store::Deadline& deadline) {
  if (deadline.kind == kLeaseHold)
    return end_and_settle(context, rules, lease,
                          {LeaseState::expired, "", "held as long as max_hold allows"});
  if (deadline.kind == kLeaseExpiry) {
    BATON_TRY(alive, still_alive(context, lease, deadline));
    if (alive) return {};
    return end_and_settle(context, rules, lease, {LeaseState::expired, "", "not renewed in time"});
  }
  if (deadline.kind != kLeaseClaim) return {};
  if (context.beats.of(lease.id).fence == lease.fence) return {};
  // Nobody has begun to use it: it need not rest.
  lease.outcome = model::LeaseOutcome::clean;
  return end_and_settle(context, rules, lease, {LeaseState::expired, "", "unclaimed"});
}

Result<void> queued_due(Context& context, const Rules& rules, Lease& lease,
                        const store::Deadline& deadline) {
  if (deadline.kind == kLeaseWait)
    return end_and_settle(context, rules, lease,
                          {LeaseState::timed_out, "", "the wait time-out was over"});
  if (deadline.kind != kLeaseSilent) return {};
  BATON_TRY(alive, still_alive(context, lease, deadline));
  if (alive) return {};
  return end_and_settle(context, rules, lease, {LeaseState::cancelled, "", "waiter gone"});
}

Result<void> recover_lease(Context& context, const Lease& lease) {
  store::Tx& tx = context.tx;
  const std::string subject = store::lease_subject(lease.id);
  const auto again = [&](std::string_view kind, Duration patience) -> Result<void> {
    BATON_TRY(due, store::find_deadline(tx.sql(), kind, subject));
    if (!due) return {};
    return tx.set_deadline(kind, subject, context.now.at + patience);
  };
  if (lease.state == LeaseState::held) {
    // Whoever did not see his grant has a whole TTL to do so: what was heard is forgotten. A legacy
    // client's claim clears the deadline itself: what is left of it was not claimed.
    if (lease.request.source == model::LeaseSource::legacy)
      BATON_TRY_VOID(again(kLeaseClaim, model::Environment{}.claim_window));
    else
      BATON_TRY_VOID(tx.clear_deadline(kLeaseClaim, subject));
    if (lease.max_hold) {
      BATON_TRY(due, store::find_deadline(tx.sql(), kLeaseHold, subject));
      const TimePoint latest = context.now.at + *lease.max_hold;
      if (due && *due > latest) BATON_TRY_VOID(tx.set_deadline(kLeaseHold, subject, latest));
    }
    return again(kLeaseExpiry, lease.ttl + kClockGrain);
  }
  BATON_TRY(due, store::find_deadline(tx.sql(), kLeaseWait, subject));
  const TimePoint latest = context.now.at + lease.request.wait;
  if (due && *due > latest) BATON_TRY_VOID(tx.set_deadline(kLeaseWait, subject, latest));
  Duration patience = model::Environment{}.keep_alive;
  BATON_TRY(names, store::wanted_by(tx.sql(), lease.seq));
  for (const std::string& name : names) {
    BATON_TRY(environment, store::find_environment(tx.sql(), name));
    if (environment) patience = std::max(patience, environment->keep_alive);
  }
  return again(kLeaseSilent, patience);
}

}  // namespace

Result<void> lease_due(Context& context, const Rules& rules, const store::Deadline& deadline) {
  BATON_TRY(lease, store::find_lease(context.tx.sql(), store::lease_of_subject(deadline.subject)));
  if (!lease) return {};
  if (lease->state == LeaseState::held) return held_due(context, rules, *lease, deadline);
  if (lease->state == LeaseState::queued) return queued_due(context, rules, *lease, deadline);
  return {};
}

Result<void> recover_leases(Context& context) {
  BATON_TRY_VOID(
      store::raise_fence(context.tx, to_ms(context.now.wall) * kFencesPerMillisecond));
  // The clock was set back while the server was down: who comes now must not overtake who waits.
  BATON_TRY(last, store::last_order_key(context.tx.sql()));
  if (last && *last > to_ms(context.now.at))
    BATON_TRY_VOID(store::shift_queues(context.tx, *last - to_ms(context.now.at)));
  std::int64_t after = 0;
  for (;;) {
    BATON_TRY(live, store::live_leases(context.tx.sql(), after, kPage));
    for (const Lease& lease : live) BATON_TRY_VOID(recover_lease(context, lease));
    if (live.size() < static_cast<std::size_t>(kPage)) return {};
    after = live.back().seq;
  }
}

}  // namespace baton::engine
