// SPDX-License-Identifier: MIT
#pragma once
// Table booking. Writes append their events, of subject "booking:ID"; see booking_event_data.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/booking.h"
#include "model/environment.h"
#include "store/tx.h"

namespace baton::store {

std::string booking_subject(std::string_view id);
/// "" when the subject is none.
std::string booking_of_subject(std::string_view subject);

/// Event booking.created. Errors: invalid (the rule; see check_booking).
Result<void> insert_booking(Tx& tx, const model::Booking& booking);
/// Event booking.deleted.
Result<void> remove_booking(Tx& tx, std::string_view id);
/// Which window is under way now (nothing: none), if that has changed since it was told: the events
/// booking.ended of the one before and booking.started of this.  Result: whether it had changed.
Result<bool> tell_window(Tx& tx, model::Booking& booking,
                         const std::optional<model::Window>& under_way);
/// {"environment"|"labels", "from", "to", "rrule"?, "kind", "owner"?, "note"?, "by"}.
std::string booking_event_data(const model::Booking& booking);

Result<std::optional<model::Booking>> find_booking(Session& session, std::string_view id);
/// By id, after `after`, at most `limit`.
Result<std::vector<model::Booking>> list_bookings(Session& session, std::string_view after,
                                                  int limit);
/// How many are not over at `wall`.
Result<std::int64_t> live_bookings(Session& session, TimePoint wall);
/// Those that concern the environment, by its name or labels, and are not over at `wall`; by id.
Result<std::vector<model::Booking>> bookings_of(Session& session,
                                                const model::Environment& environment,
                                                TimePoint wall);
/// What may keep holders from the environment at `wall`: of each booking the window that is under
/// way or, if none is, the next one that a lease of max_hold would reach. By their begin.
Result<std::vector<model::Window>> windows_of(Session& session,
                                              const model::Environment& environment,
                                              TimePoint wall);
/// Removes those that ended before `before`, at most `limit`.  Result: how many.
Result<int> remove_bookings_before(Tx& tx, TimePoint before, int limit);

}  // namespace baton::store
