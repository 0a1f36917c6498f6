// SPDX-License-Identifier: MIT
#pragma once
// `baton run SUITE` and `baton run -- CMD…`.
#include "cli/verb.h"

namespace baton::cli {

/// Of the suites that `baton run -- CMD` declares.
inline constexpr std::string_view kAdhocNamespace = "adhoc";
std::vector<Verb> run_verbs();
}
