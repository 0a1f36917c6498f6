// SPDX-License-Identifier: MIT
#include "base/time.h"

#include <array>
#include <charconv>
#include <limits>

namespace baton {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t ms;
};
// Largest first: parse_duration requires this order and format_duration writes it.
constexpr std::array<Unit, 5> kUnits{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
// A century: long enough for every retention, short enough that sums cannot overflow.
constexpr std::int64_t kDurationMaxMs = 36'500LL * 86'400'000;

std::size_t digits_at(std::string_view text, std::size_t from) {
  std::size_t n = 0;
  while (from + n < text.size() && text[from + n] >= '0' && text[from + n] <= '9') ++n;
  return n;
}

void put_digits(std::string& text, std::size_t from, std::size_t count, unsigned number) {
  for (std::size_t i = count; i > 0; --i, number /= 10)
    text[from + i - 1] = static_cast<char>('0' + number % 10);
}

bool read_fixed(std::string_view text, std::size_t from, std::size_t length, int& out) {
  if (digits_at(text.substr(0, from + length), from) != length) return false;
  std::from_chars(text.data() + from, text.data() + from + length, out);
  return true;
}

}  // namespace

std::string format_rfc3339(TimePoint t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{t - day};
  const int year = static_cast<int>(date.year());
  if (year >= 0 && year <= 9'999) {
    // By hand: a page of runs has 1,500 times.
    std::string text = "0000-00-00T00:00:00.000Z";
    put_digits(text, 0, 4, static_cast<unsigned>(year));
    put_digits(text, 5, 2, static_cast<unsigned>(date.month()));
    put_digits(text, 8, 2, static_cast<unsigned>(date.day()));
    put_digits(text, 11, 2, static_cast<unsigned>(time.hours().count()));
    put_digits(text, 14, 2, static_cast<unsigned>(time.minutes().count()));
    put_digits(text, 17, 2, static_cast<unsigned>(time.seconds().count()));
    put_digits(text, 20, 3, static_cast<unsigned>(time.subseconds().count()));
    return text;
  }
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", year,
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

Result<TimePoint> parse_rfc3339(std::string_view text) {
  const auto bad = [&] {
    return fail(Code::invalid, "\"{}\" is not an RFC 3339 time such as 2026-03-01T12:00:00Z", text);
  };
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (text.size() < 20 || !read_fixed(text, 0, 4, year) || text[4] != '-' ||
      !read_fixed(text, 5, 2, month) || text[7] != '-' || !read_fixed(text, 8, 2, day) ||
      (text[10] != 'T' && text[10] != 't' && text[10] != ' ') || !read_fixed(text, 11, 2, hour) ||
      text[13] != ':' || !read_fixed(text, 14, 2, minute) || text[16] != ':' ||
      !read_fixed(text, 17, 2, second))
    return bad();
  std::size_t at = 19;
  std::int64_t ms = 0;
  if (text[at] == '.') {
    const std::size_t n = digits_at(text, at + 1);
    if (n == 0 || n > 9) return bad();
    for (std::size_t i = 0; i < 3; ++i)
      ms = ms * 10 + (i < n ? text[at + 1 + i] - '0' : 0);
    at += n + 1;
  }
  const std::string_view zone = text.substr(at);
  int offset_minutes = 0;
  if (zone != "Z" && zone != "z") {
    int hours = 0, minutes = 0;
    if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':' ||
        !read_fixed(zone, 1, 2, hours) || !read_fixed(zone, 4, 2, minutes) || hours > 23 ||
        minutes > 59)
      return bad();
    offset_minutes = (hours * 60 + minutes) * (zone[0] == '-' ? -1 : 1);
  }
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  // 60 is a leap second; it becomes the first second of the next minute.
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return bad();
  return TimePoint{std::chrono::sys_days{date}} + std::chrono::hours{hour} +
         std::chrono::minutes{minute - offset_minutes} + std::chrono::seconds{second} +
         Duration{ms};
}

Result<Duration> parse_duration(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return fail_with_fix(Code::invalid, "write it as 90s, 15m or 1h30m",
                         "\"{}\" is not a duration: {}", text, why);
  };
  if (text == "0") return Duration{0};
  if (text.empty()) return bad("it is empty");
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t n = digits_at(text, at);
    if (n == 0 || n > 15) return bad("a number is expected");
    std::int64_t amount = 0;
    std::from_chars(text.data() + at, text.data() + at + n, amount);
    at += n;
    std::size_t end = at;
    while (end < text.size() && (text[end] < '0' || text[end] > '9')) ++end;
    const std::string_view unit = text.substr(at, end - at);
    std::size_t found = next_unit;
    while (found < kUnits.size() && kUnits[found].name != unit) ++found;
    if (found == kUnits.size()) return bad("units are d, h, m, s, ms, the largest first");
    if (amount > kDurationMaxMs / kUnits[found].ms) return bad("it is longer than 100 years");
    total += amount * kUnits[found].ms;
    next_unit = found + 1;
    at = end;
  }
  if (total > kDurationMaxMs) return bad("it is longer than 100 years");
  return Duration{total};
}

std::string format_duration(Duration d) {
  std::int64_t rest = d.count();
  if (rest <= 0) return "0s";
  std::string text;
  for (const Unit& unit : kUnits) {
    if (rest < unit.ms) continue;
    text += fmt::format("{}{}", rest / unit.ms, unit.name);
    rest %= unit.ms;
  }
  return text;
}

std::string describe_duration(Duration d) {
  std::int64_t rest = d.count() < 0 ? 0 : d.count();
  std::string text;
  int written = 0;
  for (const Unit& unit : kUnits) {
    // Milliseconds matter only below ten seconds.
    if (rest < unit.ms || (unit.ms == 1 && d.count() >= 10'000)) continue;
    text += fmt::format("{}{} {}", written > 0 ? " " : "", rest / unit.ms, unit.name);
    rest %= unit.ms;
    if (++written == 2) break;
  }
  return written > 0 ? text : "0 ms";
}

}  // namespace baton
