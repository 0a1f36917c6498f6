// SPDX-License-Identifier: MIT
#pragma once
// Operations on leases as callers ask for them. Each is one step of the writer; waiting is a row.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rules.h"
#include "engine/writer.h"
#include "model/lease.h"

namespace baton::engine {

/// A lease as its holder sees it now.
struct LeaseStatus {
  model::Lease lease;
  std::optional<Duration> expires_in;  // held: what is left, at least; nothing = it does not expire
  std::map<std::string, std::string> properties;  // held: of its environments, the later ones win
  bool was_known = false;  // from see_lease and look_at_lease; held: its holder knew so before
};

/// Grants at once, or queues, or refuses. Environments that nobody declared are made
/// (Rules::auto_create_environments). token: the name of the token that asks.
/// Errors: see check_lease_request; not_found (environment), unsatisfiable (more slots than there
/// are; a selector that nothing matches), busy (wait 0 and not free; members `holders`,
/// `queue_length` and, when a state or a booking keeps it out, `barred`), deadlock (member
/// `cycle`), limit (the queue is full).
Result<LeaseStatus> acquire(Context& context, const Rules& rules, model::LeaseRequest request,
                            std::string_view token);

/// The lease as it is, which also tells that its waiter is alive: for as long as he says that he
/// waits for the answer, and for the keep_alive of his environments from then on. Of a held lease
/// it tells that the grant was seen; it does not prolong it. Changes nothing in the database.
/// Errors: not_found.
Result<LeaseStatus> see_lease(Context& context, std::string_view id, Duration waits_for);
/// The lease as it is, and nothing else: for those who do not speak for its waiter.
/// Errors: not_found.
Result<LeaseStatus> look_at_lease(Context& context, std::string_view id);

/// Another full TTL from now; fence: the holder's. Changes nothing in the database, so it works
/// while the disk is full. Errors: not_found, stale_fence, conflict (it waits still), gone (with
/// who ended it, when and why; members `state`, `ended_at`, `ended_by`, `reason`).
Result<LeaseStatus> renew_lease(Context& context, std::string_view id, std::int64_t fence);

/// For callers that ask first whether they could have it, and then for it: the held lease lapses
/// unless claim_lease comes within `window`. Errors: not_found.
Result<void> reserve_lease(Context& context, std::string_view id, Duration window);
/// He has come. Result: whether the lease was still his to claim; it is held then.
Result<bool> claim_lease(Context& context, std::string_view id);

/// What the holder says at the end.
struct Farewell {
  std::optional<std::int64_t> fence;  // checked when it is given
  std::optional<model::LeaseOutcome> outcome;
  std::string note;
};
/// Releases what is held, cancels what waits, and leaves what has ended as it is.
/// Errors: not_found, stale_fence.
Result<LeaseStatus> release_lease(Context& context, const Rules& rules, std::string_view id,
                                  const Farewell& farewell, std::string_view by);

/// Where the slots of a held lease go: to a waiting lease, or to a new one of this holder.
struct Heir {
  std::string lease;
  std::optional<model::Holder> holder;
};
/// The heir holds the slots with a fence of its own before anybody else could; of several slots
/// those that the waiting lease does not want become free. Result: the heir's lease. Errors:
/// not_found, stale_fence, gone, conflict (not held; the other does not wait), unprocessable (the
/// waiting lease wants something else).
Result<LeaseStatus> transfer_lease(Context& context, const Rules& rules, std::string_view id,
                                   std::int64_t fence, const Heir& heir, std::string_view by);

/// Ends it against its holder's will: the slots rest for lock_delay. With an heir they go there at
/// once. Errors: not_found, conflict (it has ended).
Result<LeaseStatus> revoke_lease(Context& context, const Rules& rules, std::string_view id,
                                 std::string_view reason, const std::optional<Heir>& heir,
                                 std::string_view by);

/// Deadlines of a lease.
Result<void> lease_due(Context& context, const Rules& rules, const store::Deadline& deadline);

/// After a start: every holder and waiter has its full time again; the fence is beyond every one
/// that a restored older state could have given; queues keep their order if the clock went back.
Result<void> recover_leases(Context& context);

}  // namespace baton::engine
