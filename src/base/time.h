// SPDX-License-Identifier: MIT
#pragma once
// Points in time and durations, in milliseconds, and their text forms.
// Nobody below the edges (api, app, runner, cli) reads a clock: operations get a `Now`.
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace baton {

using Duration = std::chrono::milliseconds;
/// UTC, milliseconds since 1970.
using TimePoint = std::chrono::time_point<std::chrono::system_clock, Duration>;

/// The two clocks that an operation may see. `at` never goes back and never jumps while the server
/// runs (wall clock at start plus monotonic time since): deadlines compare with it.
/// `wall` is what people and cron expressions see.
struct Now {
  TimePoint at;
  TimePoint wall;
};

constexpr std::int64_t to_ms(TimePoint t) { return t.time_since_epoch().count(); }
constexpr TimePoint from_ms(std::int64_t ms) { return TimePoint{Duration{ms}}; }

/// "2026-03-01T12:00:00.250Z"
std::string format_rfc3339(TimePoint t);
/// Accepts any offset and up to nanoseconds (cut to ms). Errors: invalid.
Result<TimePoint> parse_rfc3339(std::string_view text);

/// "250ms", "90s", "15m", "1h30m", "30d"; units ms, s, m, h, d, largest first, each once; "0" too.
/// Errors: invalid (negative, unknown unit, beyond 100 years).
Result<Duration> parse_duration(std::string_view text);
/// The shortest text that parse_duration reads back: "1h30m", "0s".
std::string format_duration(Duration d);
/// For people, two units at most: "1 m 12 s", "350 ms".
std::string describe_duration(Duration d);

}  // namespace baton
