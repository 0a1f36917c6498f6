// SPDX-License-Identifier: MIT
#pragma once
// Declarations of environments as JSON. Pure.
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/environment.h"
#include "wire/json_writer.h"

namespace baton::wire {

/// The fields of the declaration, into an object that the caller has begun. Durations are written
/// as text, as they are declared, and in milliseconds. `queue` of the declaration is
/// `queue_policy`: the `queue` of an answer is who waits.
void write_declaration(JsonWriter& out, const model::Environment& environment);

/// PUT /environments/{name}: what is left out has its default; fields that only answers have are
/// passed over, so that an answer can be sent back changed.
/// Errors: invalid with a pointer per field.
Result<model::Environment> parse_environment(std::string_view body, std::string_view name);

/// {reason?}; an empty body is {}.  Errors: invalid.
Result<std::string> parse_reason(std::string_view body);

}  // namespace baton::wire
