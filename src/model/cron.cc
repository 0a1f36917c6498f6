// SPDX-License-Identifier: MIT
#include "model/cron.h"

#include <date/tz.h>

#include <algorithm>
#include <exception>
#include <vector>

#include "base/text.h"

namespace baton::model {
namespace {

using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;

// 29 February of a named month recurs within eight years (1896 to 1904 is the longest gap).
constexpr int kSearchDays = 9 * 366;

// The date library has a local_time of its own; both count from the same epoch.
date::local_seconds to_date(local_seconds t) { return date::local_seconds{t.time_since_epoch()}; }

const date::time_zone* find_zone(std::string_view zone) {
  try {
    return date::locate_zone(std::string{zone});
  } catch (const std::exception&) {
    return nullptr;
  }
}

// The moment at which a named local time fires: the end of the gap when the clock skips it, the
// first of the two when it occurs twice.
sys_seconds fire_time(const date::time_zone& zone, local_seconds local) {
  const date::local_info info = zone.get_info(to_date(local));
  if (info.result == date::local_info::nonexistent) return info.first.end;
  return sys_seconds{local.time_since_epoch() - info.first.offset};
}

template <std::size_t N>
std::optional<std::size_t> next_bit(const std::bitset<N>& bits, std::size_t from) {
  for (std::size_t i = from; i < N; ++i)
    if (bits.test(i)) return i;
  return std::nullopt;
}

}  // namespace

bool Cron::matches_day(local_days day) const {
  const std::chrono::year_month_day date{day};
  if (!months_.test(static_cast<unsigned>(date.month()))) return false;
  const bool by_date = days_.test(static_cast<unsigned>(date.day()));
  const bool by_weekday = weekdays_.test(std::chrono::weekday{day}.c_encoding());
  if (any_day_ || any_weekday_) return by_date && by_weekday;
  return by_date || by_weekday;
}

std::optional<local_seconds> Cron::next_local(local_seconds from) const {
  const local_days first_day = std::chrono::floor<std::chrono::days>(from);
  for (int i = 0; i < kSearchDays; ++i) {
    const local_days day = first_day + std::chrono::days{i};
    if (!matches_day(day)) continue;
    const std::chrono::hh_mm_ss start{i == 0 ? from - local_seconds{day} : seconds{0}};
    const auto start_hour = static_cast<std::size_t>(start.hours().count());
    for (auto hour = next_bit(hours_, start_hour); hour; hour = next_bit(hours_, *hour + 1)) {
      const bool same_hour = *hour == start_hour;
      const auto start_minute = same_hour ? static_cast<std::size_t>(start.minutes().count()) : 0;
      for (auto minute = next_bit(minutes_, start_minute); minute;
           minute = next_bit(minutes_, *minute + 1)) {
        const bool same_minute = same_hour && *minute == start_minute;
        const auto second = next_bit(
            seconds_, same_minute ? static_cast<std::size_t>(start.seconds().count()) : 0);
        if (second)
          return day + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
                 seconds{*second};
      }
    }
  }
  return std::nullopt;
}

Result<std::optional<TimePoint>> Cron::next(TimePoint after, std::string_view zone_name) const {
  if (interval_) return after + *interval_;
  BATON_TRY_VOID(check_time_zone(zone_name));
  const date::time_zone& zone = *find_zone(zone_name);
  sys_seconds from = std::chrono::floor<seconds>(after) + seconds{1};
  if (!any_hour_) {
    // The offset of the moment before `from`: when a gap ends exactly at `from`, the times that it
    // skipped are still to be found. Those whose moment is past (the second pass of an hour) are
    // left out.
    const seconds offset = zone.get_info(from - seconds{1}).offset;
    local_seconds local{from.time_since_epoch() + offset};
    for (;;) {
      const auto match = next_local(local);
      if (!match) return std::nullopt;
      const sys_seconds fire = fire_time(zone, *match);
      if (fire >= from) return TimePoint{fire};
      local = *match + seconds{1};
    }
  }
  // Elapsed time: search within each stretch of constant offset.
  const sys_seconds give_up = from + std::chrono::days{kSearchDays};
  while (from < give_up) {
    const date::sys_info info = zone.get_info(from);
    const auto match = next_local(local_seconds{from.time_since_epoch() + info.offset});
    if (!match) return std::nullopt;
    const sys_seconds fire{match->time_since_epoch() - info.offset};
    if (fire < info.end) return TimePoint{fire};
    from = info.end;
  }
  return std::nullopt;
}

Result<void> check_time_zone(std::string_view zone) {
  if (find_zone(zone) != nullptr) return {};
  std::vector<std::string> names;
  try {
    for (const date::time_zone& known : date::get_tzdb().zones) names.emplace_back(known.name());
  } catch (const std::exception& failure) {
    return fail_with_fix(Code::unavailable, "install the package tzdata",
                         "the time zone database cannot be read: {}", failure.what());
  }
  const std::string near = nearest(zone, names);
  return fail_with_fix(Code::invalid,
                       near.empty() ? "use an IANA name such as Europe/Vienna"
                                    : fmt::format("did you mean {}?", near),
                       "the time zone {} is unknown", json_quote(zone));
}

}  // namespace baton::model
