// SPDX-License-Identifier: MIT
#pragma once
// When a booking comes again: the part of RFC 5545's RRULE that Baton knows. Pure.
//
//   FREQ=DAILY|WEEKLY|MONTHLY   needed; every day, week or month
//   INTERVAL=2                  every other one; 1 to 1,000
//   BYDAY=MO,TH                 WEEKLY: on these days; DAILY: only when it is one of them;
//                               MONTHLY: every such day of the month, 2TU the second, -1FR the last
//   COUNT=10 or UNTIL=20301231T235959Z   its end; UNTIL is part of it, a mere date with all its day
//
// Days are days in UTC, weeks begin on Monday. Without BYDAY the day is that of the begin; a month
// that has no such day is passed over. A begin that the rule does not name is no occurrence: the
// first one is the next that it names, and COUNT counts from that.
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace baton::model {

class Recurrence {
 public:
  /// "" = once.  Errors: invalid, saying what is allowed.
  static Result<Recurrence> parse(std::string_view rule);
  /// As parse() reads it, with UNTIL as a time: "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH". "" = once.
  std::string text() const;

  bool is_endless() const { return frequency_ != Frequency::once && !count_ && !until_; }
  const std::optional<TimePoint>& until() const { return until_; }

 private:
  enum class Frequency { once, daily, weekly, monthly };
  struct Weekday {
    int day = 0;      // Monday = 0
    int ordinal = 0;  // of the month: 1 the first, -1 the last, 0 every one
    friend auto operator<=>(const Weekday&, const Weekday&) = default;
  };
  Result<void> take(std::string_view name, std::string_view value);
  Result<void> take_days(std::string_view value);
  Result<void> check() const;

  Frequency frequency_ = Frequency::once;
  int interval_ = 1;
  std::vector<Weekday> days_;  // sorted, each once
  std::optional<std::int64_t> count_;
  std::optional<TimePoint> until_;

  friend class Starts;
};

/// The begins of the occurrences, in order. Finds the first one that is asked for without walking
/// through those before it, and always ends: at the latest in the year 9999.
class Starts {
 public:
  /// first: the begin of the booking. Begins before `not_before` are left out (but counted).
  Starts(Recurrence rule, TimePoint first, TimePoint not_before);
  std::optional<TimePoint> next();

 private:
  using Days = std::vector<std::int64_t>;  // since 1970
  // The n-th day, week or month from that of `first` on, `interval` apart: the days in it.
  Days days_in(std::int64_t period) const;
  bool is_beyond(std::int64_t period) const;  // of the year 9999
  void weekdays_of_month(std::int64_t month, Days& days) const;
  std::int64_t period_of(std::int64_t day) const;
  std::int64_t counted_before(std::int64_t period) const;
  // After how many periods the number of days in them repeats; 0: in no useful time.
  int cycle() const;

  Recurrence rule_;
  TimePoint not_before_;
  std::int64_t first_day_;
  Duration time_of_day_;
  std::int64_t period_ = 0;
  Days days_;             // of the period
  std::size_t at_ = 0;    // in days_
  std::int64_t counted_ = 0;
  int empty_ = 0;  // periods in a row that have no day
  bool ended_ = false;
};

}  // namespace baton::model
