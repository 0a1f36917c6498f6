// SPDX-License-Identifier: MIT
#pragma once
// A booking: an environment, or all with some labels, kept for somebody at times that the calendar
// says. Plain data, its checks, and its occurrences.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "model/environment.h"
#include "model/suite.h"

namespace baton::model {

/// booking: only the owner gets leases. maintenance, blackout: nobody does. Leases that are held
/// when it begins go on.
enum class BookingKind { booking, maintenance, blackout };
std::string_view name_of(BookingKind kind);
Result<BookingKind> parse_booking_kind(std::string_view text);

struct Booking {
  std::string id;
  std::string environment;  // or
  Labels labels;
  TimePoint from;  // wall clock; of the first occurrence
  TimePoint to;
  std::string rrule;  // see model/recurrence.h; "" = once
  BookingKind kind = BookingKind::booking;
  std::string owner;  // a holder's name; whom to ask, for maintenance and blackout
  std::string note;
  TimePoint created_at;
  std::string created_by;
  std::optional<TimePoint> under_way;  // begin of the window whose begin was told, and not its end
};

/// One occurrence.
struct Window {
  TimePoint from;
  TimePoint to;
  BookingKind kind = BookingKind::booking;
  std::string owner;
  std::string booking;  // its id
};

/// Two bookings that never meet within so many years may meet later: then both keep others out.
inline constexpr int kOverlapYears = 10;

/// Errors: invalid, with one detail per field: end before begin, longer than its repetition, a rule
/// that is not known or never occurs, no owner of a booking.
Result<void> check_booking(const Booking& booking);

/// The occurrences that overlap [from, to), in order, at most `limit`. Days are days in UTC. Costs
/// no more for a rule that began long ago.
/// Errors: invalid (the rule).
Result<std::vector<Window>> occurrences(const Booking& booking, TimePoint from, TimePoint to,
                                        int limit);
/// The window that is under way at `wall`, else the next one; nothing when all are over.
Result<std::optional<Window>> window_at(const Booking& booking, TimePoint wall);
/// Nothing of it is later; nothing when it has no end. Errors: invalid (the rule).
Result<std::optional<TimePoint>> end_of(const Booking& booking);

/// Whether it concerns the environment, by its name or its labels.
bool concerns(const Booking& booking, const Environment& environment);

/// The first windows of both that overlap and are not over at `wall`.
Result<std::optional<std::pair<Window, Window>>> first_overlap(const Booking& one,
                                                               const Booking& other,
                                                               TimePoint wall);

/// Whether the window keeps this holder from beginning a lease at `wall`: it is under way, or a
/// lease as long as max_hold would reach into it, and the holder is not its owner.
bool keeps_out(const Window& window, std::string_view holder, TimePoint wall,
               const std::optional<Duration>& max_hold);

}  // namespace baton::model
