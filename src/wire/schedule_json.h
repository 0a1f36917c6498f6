// SPDX-License-Identifier: MIT
#pragma once
// Schedules as JSON: GET and PUT /schedules/{name}. What is written can be sent back. Pure.
#include <string_view>

#include "base/result.h"
#include "model/schedule.h"
#include "wire/json_writer.h"

namespace baton::wire {

void write_schedule(JsonWriter& out, const model::Schedule& schedule);

/// Reads a declaration for this name, which the body need not repeat.
/// Result: checked by model::check_schedule.  Errors: invalid.
Result<model::Schedule> parse_schedule(std::string_view body, std::string_view name);

}  // namespace baton::wire
