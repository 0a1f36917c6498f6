// SPDX-License-Identifier: MIT
#pragma once
// Operations on bookings, and what happens at their edges.
#include <string>
#include <string_view>

#include "engine/rules.h"
#include "engine/writer.h"
#include "model/booking.h"

namespace baton::engine {

/// Keeps the environment, or all with its labels, from the window's begin on. Leases that are held
/// then go on. id, created_at and created_by are set here.
/// Errors: invalid (see check_booking), not_found (the environment).
Result<model::Booking> create_booking(Context& context, model::Booking booking,
                                      std::string_view by);

/// Whoever it kept out is served. Errors: not_found.
Result<void> delete_booking(Context& context, const Rules& rules, std::string_view id);

/// A window of the booking begins or ends.
Result<void> booking_due(Context& context, const Rules& rules, std::string_view subject);

/// After a start: the next edge of each, by the wall clock as it is now.
Result<void> rearm_bookings(Context& context);

}  // namespace baton::engine
