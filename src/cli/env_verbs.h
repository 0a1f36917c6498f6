// SPDX-License-Identifier: MIT
#pragma once
// `baton env …`: environments, their state, their history and their calendar.
#include "cli/verb.h"

namespace baton::cli {
std::vector<Verb> environment_verbs();
}  // namespace baton::cli
