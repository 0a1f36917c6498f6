// SPDX-License-Identifier: MIT
#pragma once
// `baton serve|up` (run by the composition root) and `baton apply|validate|config …`.
#include "cli/verb.h"

namespace baton::cli {
std::vector<Verb> server_verbs();
std::vector<Verb> config_verbs();
}
