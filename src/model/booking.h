// SPDX-License-Identifier: MIT
#pragma once
// A booking: an environment, or all with some labels, kept for somebody at times that the calendar
// says. Plain data, its checks, and its occurrences.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/suite.h"

namespace baton::model {

/// booking: only the owner gets leases. maintenance, blackout: nobody does. Leases that are held when
/// it begins go on.
enum class BookingKind { booking, maintenance, blackout };
std::string_view name_of(BookingKind kind);
Result<BookingKind> parse_booking_kind(std::string_view text);

struct Booking {
  std::string id;
  std::string environment;  // or
  Labels labels;
  TimePoint from;  // wall clock; of the first occurrence
  TimePoint to;
  std::string rrule;  // RFC 5545: FREQ=DAILY|WEEKLY|MONTHLY;INTERVAL;BYDAY;COUNT;UNTIL; "" = once
  BookingKind kind = BookingKind::booking;
  std::string owner;  // a holder's name
  std::string note;
  TimePoint created_at;
  std::string created_by;
};

/// One occurrence.
struct Window {
  TimePoint from;
  TimePoint to;
  BookingKind kind = BookingKind::booking;
  std::string owner;
  std::string booking;  // its id
};

/// Errors: invalid, with one detail per field: end before start, longer than its repetition, rule.
Result<void> check_booking(const Booking& booking);

/// The occurrences that overlap [from, to), in order, at most `limit`. Days are days in UTC.
/// Errors: invalid (the rule).
Result<std::vector<Window>> occurrences(const Booking& booking, TimePoint from, TimePoint to,
                                        int limit);

/// Whether the window keeps this holder from beginning a lease at `wall`: it is under way, or a lease
/// as long as max_hold would reach into it, and the holder is not its owner.
bool keeps_out(const Window& window, std::string_view holder, TimePoint wall,
               const std::optional<Duration>& max_hold);

}  // namespace baton::model
