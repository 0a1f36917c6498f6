// SPDX-License-Identifier: MIT
#pragma once
// Cron expressions: when a schedule fires next in a time zone. Pure but for the system's time zone
// database, which is read on first use.
//
// Five fields `minute hour day-of-month month day-of-week`, or six with seconds first. A field is
// `*`, `?`, a value, a range `a-b`, a step `*/n`, `a/n` or `a-b/n`, or a list of these; months and
// weekdays may be names (JAN, mon); Sunday is 0 or 7. When both day fields are restricted a day
// matches if either does. Macros: @yearly @annually @monthly @weekly @daily @midnight @hourly, and
// `@every 90s` (at least a second).
//
// Daylight saving. An expression that names its hours fires exactly once per named local time: one
// that the clock skips fires at the moment the gap ends, one that occurs twice at the first. An
// expression whose hour is `*` or a step over all hours follows elapsed time: skipped times do not
// fire, repeated ones fire again.
#include <array>
#include <bitset>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace baton::model {

class Cron {
 public:
  /// Errors: invalid, naming the field and what is wrong with it.
  static Result<Cron> parse(std::string_view expression);
  /// `@every interval`.  Errors: invalid (less than a second).
  static Result<Cron> every(Duration interval);

  /// The first time strictly after `after`; nothing when it never fires again (30 February).
  /// zone: an IANA name.  Errors: invalid (unknown zone).
  Result<std::optional<TimePoint>> next(TimePoint after, std::string_view zone) const;

  /// Set for `@every`; such an expression has no local times.
  std::optional<Duration> interval() const { return interval_; }

 private:
  friend class CronReader;
  bool matches_day(std::chrono::local_days day) const;
  /// The first matching local second at or after `from`, within the next years.
  std::optional<std::chrono::local_seconds> next_local(std::chrono::local_seconds from) const;

  std::optional<Duration> interval_;
  std::bitset<60> seconds_;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> weekdays_;
  bool any_hour_ = false;     // `*` or `*/n`
  bool any_day_ = false;      // `*` or `?`
  bool any_weekday_ = false;  // `*` or `?`
};

/// Errors: invalid (not in the time zone database), with the nearest name as advice.
Result<void> check_time_zone(std::string_view zone);

}  // namespace baton::model
