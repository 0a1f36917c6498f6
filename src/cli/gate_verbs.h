// SPDX-License-Identifier: MIT
#pragma once
// `baton gate …`: questions of pipelines, their verdicts, logs, artifacts and deliveries.
#include "cli/verb.h"

namespace baton::cli {
std::vector<Verb> gate_verbs();
}
