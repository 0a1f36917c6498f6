// SPDX-License-Identifier: MIT
#pragma once
// `baton runs ls|view|watch|logs|cancel|rerun|artifacts|export|rm` and `baton report upload`.
#include "cli/verb.h"

namespace baton::cli {
std::vector<Verb> runs_verbs();
}
