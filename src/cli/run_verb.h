// SPDX-License-Identifier: MIT
#pragma once
// `baton run SUITE` and `baton run -- CMD…`.
#include "cli/verb.h"

namespace baton::cli {
std::vector<Verb> run_verbs();
}
