// SPDX-License-Identifier: MIT
#pragma once
// `baton whoami|events|doctor|version|api|completion|login|context …`.
#include "cli/verb.h"

namespace baton::cli {
std::vector<Verb> service_verbs();
std::vector<Verb> context_verbs();
}
