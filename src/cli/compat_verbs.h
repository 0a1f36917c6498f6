// SPDX-License-Identifier: MIT
#pragma once
// `baton compat call-me request|release`: the client of call-me, with its defects mended.
#include "cli/verb.h"

namespace baton::cli {
std::vector<Verb> compat_verbs();
}  // namespace baton::cli
