// SPDX-License-Identifier: MIT
#pragma once
// What `baton env set` declares: the environment as it is, changed as the flags say. Pure.
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "cli/verb.h"

namespace baton::cli {

std::vector<Flag> declaration_flags();

/// now: the answer of GET /environments/{name}, null when there is none. Result: the body of the
/// PUT. Errors: invalid, naming the flag.
Result<boost::json::object> changed_declaration(const boost::json::value& now,
                                                const Invocation& invocation);

}  // namespace baton::cli
