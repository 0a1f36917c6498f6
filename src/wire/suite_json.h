// SPDX-License-Identifier: MIT
#pragma once
// Suites as JSON: GET and PUT /suites/{namespace}/{name}. What is written can be sent back: fields
// that only answers have are accepted and skipped. Pure.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/run.h"
#include "model/suite.h"
#include "wire/json_writer.h"

namespace baton::wire {

/// What a suite's document says besides the suite.
struct SuiteExtras {
  std::vector<std::string> schedules;  // their names
  std::optional<model::Run> last_run;
};

void write_suite(JsonWriter& out, const model::Suite& suite, const SuiteExtras& extras);
void write_case(JsonWriter& out, const model::Case& item);

/// Reads a declaration for this namespace and name, which the body need not repeat.
/// Time-outs are `timeout: "10m"` or, as answers have them, `timeout_ms: 600000`.
/// Result: checked by model::check_suite.  Errors: invalid.
Result<model::Suite> parse_suite(std::string_view body, std::string_view namespace_,
                                 std::string_view name);

}  // namespace baton::wire
