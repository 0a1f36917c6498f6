// SPDX-License-Identifier: MIT
#pragma once
// What `baton gate open` makes of its flags: the body of POST /gates. Reads the file that -f names;
// otherwise pure.
#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cli/verb.h"

namespace baton::cli {

/// --suite, --deliver, …
std::vector<Flag> gate_open_flags();

/// The file of -f, changed as the other flags say.
/// Errors: invalid (two subjects or none, a number, a duration or a target that is none), those of
/// the file.
Result<boost::json::object> gate_request(const Invocation& invocation);

/// "gocd/main:{…}", "webhook/ci" or a whole target as JSON.  Errors: invalid.
Result<boost::json::object> parse_target(std::string_view text);
/// "tk:tag=build=42", "tk:workflow=smoke" or "tk:execution=6650…".  Errors: invalid.
Result<boost::json::object> parse_testkube(std::string_view text);

}  // namespace baton::cli
