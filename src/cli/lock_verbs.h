// SPDX-License-Identifier: MIT
#pragma once
// `baton lock …`: leases on the command line. `lock exec` is in cli/lock_exec.h.
#include "cli/verb.h"

namespace baton::cli {
std::vector<Verb> lock_verbs();
}  // namespace baton::cli
