// SPDX-License-Identifier: MIT
#pragma once
// Schedules as JSON: GET and PUT /schedules/{name}. What is written can be sent back. Pure.
#include <optional>
#include <string_view>

#include "base/result.h"
#include "model/schedule.h"
#include "wire/json_writer.h"

namespace baton::wire {

void write_schedule(JsonWriter& out, const model::Schedule& schedule);

/// What PUT asks for.
struct ScheduleRequest : model::Schedule {
  std::optional<bool> says_paused;  // not set: the body leaves `paused` out, and it stays as it is
};

/// Reads a declaration for this name, which the body need not repeat.
/// Result: checked by model::check_schedule.  Errors: invalid.
Result<ScheduleRequest> parse_schedule(std::string_view body, std::string_view name);

}  // namespace baton::wire
