// SPDX-License-Identifier: MIT
#pragma once
// Operations on schedules. The next time is a row (schedule.next_at, wall clock) and a deadline;
// what happens when it has come is decided by schedule_due, and told by events
// (docs/formats/events.md).
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rules.h"
#include "engine/writer.h"
#include "model/schedule.h"
#include "store/run_table.h"

namespace baton::engine {

/// A fire later than this was missed: the server was down. Catch-up decides.
inline constexpr Duration kMissedAfter = std::chrono::minutes{1};

/// Declares or redeclares; the count of runs and the last run stay. An unchanged declaration
/// changes nothing, so that reading a configuration again does not shift an `every`. paused:
/// whether it shall be; not set: as it is (a new one is not). schedule.paused does not count.
/// Errors: invalid (check_schedule, the filter), not_found (the suite), conflict (a file declares
/// it).
Result<model::Schedule> declare_schedule(Context& context, const Rules& rules,
                                         model::Schedule schedule,
                                         std::optional<bool> paused = std::nullopt);
/// Errors: not_found, conflict (a file declares it).
Result<void> delete_schedule(Context& context, std::string_view name);
/// The schedules of the configuration, all of them; those of an earlier one that are not there any
/// more are removed. A change of `paused` in the file counts; else a pause or resume by hand stays.
/// Errors: invalid, not_found (a suite).
Result<void> sync_schedules(Context& context, const Rules& rules,
                            const std::vector<model::Schedule>& schedules);

/// Repeating them is harmless. Times that pass during a pause are not caught up.  Errors:
/// not_found.
Result<model::Schedule> pause_schedule(Context& context, std::string_view name);
Result<model::Schedule> resume_schedule(Context& context, std::string_view name);
/// A run now, whatever overlap says, also when paused; it does not count towards max_runs.
/// Errors: not_found, and those of start_run.
Result<model::Run> trigger_schedule(Context& context, const Rules& rules, std::string_view name,
                                    std::string_view triggered_by);

/// The deadline has come.
Result<void> schedule_due(Context& context, const Rules& rules, std::string_view name);
/// A run that a schedule started has finished: starts the one that waited for it.
Result<void> schedule_run_ended(Context& context, const Rules& rules, const store::RunRow& row);
/// After a start of the server or a jump of the wall clock: sets every deadline anew.
Result<void> rearm_schedules(Context& context);

/// Errors: not_found.
Result<model::Schedule> get_schedule(store::Session& session, std::string_view name);

}  // namespace baton::engine
