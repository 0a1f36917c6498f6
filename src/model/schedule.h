// SPDX-License-Identifier: MIT
#pragma once
// A schedule: a suite that is run by the clock. Plain data and its checks.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"
#include "model/cron.h"
#include "model/suite.h"

namespace baton::model {

/// What happens when it is time and the schedule's last run has not ended: nothing; one run (never
/// more than one waits) as soon as it has; a run at once.
enum class Overlap { skip, queue, allow };
/// What happens to the times that passed while the server was down: nothing, or one run.
enum class CatchUp { none, once };
std::string_view name_of(Overlap overlap);
std::string_view name_of(CatchUp catch_up);
Result<Overlap> parse_overlap(std::string_view text);
Result<CatchUp> parse_catch_up(std::string_view text);

struct Schedule {
  std::string name;
  std::string suite;              // "namespace/name", or "name" where that is unique
  std::string cron;               // "" when `every` is set
  std::optional<Duration> every;  // exactly one of cron and every
  std::string time_zone = "UTC";
  std::string filter;
  std::int64_t max_runs = 0;  // 0 = no limit; runs by hand (trigger) do not count
  std::optional<TimePoint> until;
  Overlap overlap = Overlap::skip;
  CatchUp catch_up = CatchUp::once;

  SuiteSource source = SuiteSource::api;
  bool paused = false;
  bool declared_paused = false;        // what its file says of it; `paused` is what is in force
  bool waiting = false;               // a run is due when the last one has ended (Overlap::queue)
  std::optional<TimePoint> next_at;   // wall clock; nothing when it is paused or over
  std::optional<RunId> last_run;
  std::int64_t run_count = 0;
  std::int64_t revision = 0;  // counts changes of the declaration; the ETag
};

/// Errors: invalid, with one detail per field.
Result<void> check_schedule(const Schedule& schedule);

/// When it fires next after `after`, ignoring paused; nothing when max_runs or until end it.
/// Errors: invalid (the expression or the zone, should the time zone database have changed).
Result<std::optional<TimePoint>> next_fire(const Schedule& schedule, TimePoint after);

}  // namespace baton::model
