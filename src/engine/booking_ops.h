// SPDX-License-Identifier: MIT
#pragma once
// Operations on bookings, and what happens at their edges. Whether a window is under way is asked
// of the wall clock at every grant (slot_pick.h); the deadlines here only see to it that nobody
// goes on waiting when one is over, and that the journal tells.
#include <optional>
#include <string>
#include <string_view>

#include "engine/rules.h"
#include "engine/writer.h"
#include "model/booking.h"

namespace baton::engine {

/// Bookings that are not over. Every grant reads those that concern its environments, and each is
/// looked at once a minute.
inline constexpr std::int64_t kBookingsMax = 1'000;

/// Errors: not_found.
Result<model::Booking> get_booking(store::Session& session, std::string_view id);

/// Keeps the environment, or all that have its labels now or later, from the window's begin on.
/// Leases that are held then go on. id, created_at and created_by are set here.
/// Errors: invalid (see check_booking; all of it is past), not_found (the environment), conflict (a
/// window overlaps one of another booking; members `booking`, `from`, `to` say which), limit.
Result<model::Booking> create_booking(Context& context, model::Booking booking,
                                      std::string_view by);

/// Whoever it kept out is served. Errors: not_found.
Result<void> delete_booking(Context& context, const Rules& rules, std::string_view id);

/// The bookings of an environment that is deleted; those by labels stay.
Result<void> delete_bookings_of(Context& context, std::string_view environment);

/// The deadline has come: a window begins or is over, or the clock is to be compared.
Result<void> booking_due(Context& context, const Rules& rules, std::string_view subject);

/// After a start of the server each is looked at again, by the wall clock as it is now.
Result<void> rearm_bookings(Context& context);

}  // namespace baton::engine
