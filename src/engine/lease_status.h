// SPDX-License-Identifier: MIT
#pragma once
// What operations and routes tell of a lease: its time left, its place, the reasons of a refusal.
#include <string>
#include <string_view>
#include <vector>

#include "engine/lease_bar.h"
#include "engine/lease_grant.h"
#include "engine/lease_ops.h"

namespace baton::engine {

/// Errors: not_found.
Result<model::Lease> get_lease(store::Session& session, std::string_view id);

/// With what is left of its time.
Result<LeaseStatus> status_of(const Context& context, model::Lease lease);
/// The same for a reader beside the writer. beat: what the writer has heard of it; without it the
/// time left is too short for a lease that was renewed, never too long.
Result<LeaseStatus> status_of(store::Session& session, TimePoint at, const Beats::Beat& beat,
                              model::Lease lease);

/// A waiting lease's place.
struct QueuePlace {
  int position = 1;  // from 1
  std::vector<model::Lease> ahead;  // the holders first, then the queue; at most kAheadMax
  std::vector<Bar> bars;        // what keeps it out besides holders
  std::optional<Duration> eta;  // from the last holds; nothing when there were none
};
inline constexpr int kAheadMax = 50;
Result<QueuePlace> place_of(store::Session& session, const model::Lease& lease, TimePoint wall);

/// One who waits for an environment.
struct Waiting {
  model::Lease lease;
  int position = 1;  // in the queue of this environment
  std::optional<Duration> eta;
};
/// The queue of an environment in its order, at most `limit`.
Result<std::vector<Waiting>> queue_of(store::Session& session,
                                      const model::Environment& environment, TimePoint wall,
                                      int limit);

/// Whether the holder would get one slot of the environment for himself at once: nobody waits, its
/// state and bookings allow it, and one is free. Errors: not_found.
Result<bool> can_have_now(store::Session& session, std::string_view environment,
                          std::string_view holder, TimePoint wall);

/// Those who hold slots of an environment now.
Result<std::vector<model::Lease>> holders_of(store::Session& session,
                                             std::string_view environment);

/// {"name","url"?,"reason"?,"run"?,"source"?} as it is shown everywhere.
std::string holder_json(const model::Lease& lease);

Result<void> check_fence(const model::Lease& lease, std::int64_t fence);
/// The refusals with what a program needs of them.
tl::unexpected<Error> lost(const model::Lease& lease);
tl::unexpected<Error> busy(store::Session& session, const model::Lease& lease, TimePoint wall);
tl::unexpected<Error> deadlock(const model::Lease& lease, const std::vector<std::string>& cycle);

/// Ends the lease as told and gives its slots to the heir in the same step.
Result<LeaseStatus> hand_over(Context& context, const Rules& rules, model::Lease lease,
                              const Heir& heir, const End& how);

}  // namespace baton::engine
