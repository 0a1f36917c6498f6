// SPDX-License-Identifier: MIT
#pragma once
// Bookings as a calendar (RFC 5545) that calendar programs subscribe to. Pure.
#include <string>
#include <vector>

#include "model/booking.h"

namespace baton::reports {

/// text/calendar: one VEVENT for each booking, in the order given, with its recurrence. The same
/// bookings give the same bytes. A booking of which no window is in its rule is left out.
std::string calendar_of(const std::vector<model::Booking>& bookings);

}  // namespace baton::reports
