// SPDX-License-Identifier: MIT
#pragma once
// Tables lease, lease_want (the queues), lease_use (who used which slot when) and fence. Writes of
// a lease append its event, of subject "lease:ID". A lease's time of expiry is a deadline that is
// kept in its row, see kInLeaseRow.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/lease.h"
#include "store/tx.h"

namespace baton::store {

std::string lease_subject(std::string_view id);
/// "" when the subject is none.
std::string lease_of_subject(std::string_view subject);

/// Gives the lease its seq. Event `kind` (lease.queued, lease.granted), see lease_event_data.
Result<void> insert_lease(Tx& tx, model::Lease& lease, std::string_view kind);
/// Writes state, grants, fence, times and ending. Event `kind`.
Result<void> update_lease(Tx& tx, const model::Lease& lease, std::string_view kind);
/// {"lease", "holder", "state", "fence", "grants", "reason", "by"}: those that there are.
std::string lease_event_data(const model::Lease& lease);

Result<std::optional<model::Lease>> find_lease(Session& session, std::string_view id);
Result<std::optional<model::Lease>> lease_at(Session& session, std::int64_t seq);
struct LeaseFilter {
  std::string environment;  // used or wanted by it
  std::optional<model::LeaseState> state;
  bool live_only = false;
  std::string holder;
};
/// The newest first, before the seq `before` (0: from the newest), at most `limit`.
Result<std::vector<model::Lease>> list_leases(Session& session, const LeaseFilter& filter,
                                              std::int64_t before, int limit);
/// Queued and held, oldest first, after `after`.
Result<std::vector<model::Lease>> live_leases(Session& session, std::int64_t after, int limit);
/// Those of one holder's name that wait.
Result<std::vector<model::Lease>> waiting_of(Session& session, std::string_view holder);
/// Whether anybody of this name holds something.
Result<bool> holds_any(Session& session, std::string_view holder);
/// Those that wait with this key, oldest first.
Result<std::vector<std::int64_t>> waiting_with_key(Session& session, std::string_view key);

/// The next fence: beyond every one that was given, for ever.
Result<std::int64_t> next_fence(Tx& tx);
/// Raises the last fence to at least `floor`.
Result<void> raise_fence(Tx& tx, std::int64_t floor);

/// A place in the queue of one environment.
struct Place {
  std::int64_t order_key = 0;
  std::int64_t seq = 0;
  friend bool operator==(const Place&, const Place&) = default;
  friend auto operator<=>(const Place&, const Place&) = default;
};
Result<void> add_want(Tx& tx, std::string_view environment, Place place);
Result<void> remove_want(Tx& tx, std::string_view environment, std::int64_t seq);
/// Out of every queue.
Result<void> remove_wants(Tx& tx, std::int64_t seq);
/// The environments whose queue it stands in.
Result<std::vector<std::string>> wanted_by(Session& session, std::int64_t seq);
/// After `after`, in order.
Result<std::vector<Place>> queue_page(Session& session, std::string_view environment, Place after,
                                      int limit);
Result<bool> has_queue(Session& session, std::string_view environment);
Result<int> queue_length(Session& session, std::string_view environment);
/// Those that somebody waits for.
Result<std::vector<std::string>> queued_environments(Session& session);
/// How many stand before it in the queue that is longest for it.
Result<int> ahead_in_queue(Session& session, const model::Lease& lease);
/// Moves every waiting lease's place by so much.
Result<void> shift_queues(Tx& tx, std::int64_t by);
Result<std::optional<std::int64_t>> last_order_key(Session& session);

/// Who uses a slot now.
struct Use {
  int slot = 1;
  model::LeaseMode mode = model::LeaseMode::exclusive;
  std::int64_t seq = 0;
  std::int64_t fence = 0;
  TimePoint from;
  std::optional<TimePoint> to;
};
Result<void> begin_use(Tx& tx, const model::Lease& lease, const model::Grant& grant);
Result<void> end_use(Tx& tx, const model::Lease& lease, const model::Grant& grant);
Result<std::vector<Use>> current_uses(Session& session, std::string_view environment);
/// Those that overlap [from, to).
Result<std::vector<Use>> uses_between(Session& session, std::string_view environment,
                                      TimePoint from, TimePoint to);
/// How long the last `limit` uses that ended took, on average; nothing when there was none.
Result<std::optional<Duration>> usual_hold(Session& session, std::string_view environment,
                                           int limit);
/// Leases that used it or still do, the newest first, before the seq `before`.
Result<std::vector<model::Lease>> past_leases(Session& session, std::string_view environment,
                                              std::int64_t before, int limit);
/// Removes leases that ended before `before`, with their uses.  Result: how many.
Result<int> remove_leases_before(Tx& tx, TimePoint before, int limit);

}  // namespace baton::store
