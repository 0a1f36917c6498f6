// SPDX-License-Identifier: MIT
#pragma once
// `baton suites ls|view|lint|rm`, `baton schedule …`, `baton token …`, `baton audit`.
#include "cli/verb.h"

namespace baton::cli {
std::vector<Verb> suites_verbs();
std::vector<Verb> schedule_verbs();
std::vector<Verb> token_verbs();
}
