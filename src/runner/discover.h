// SPDX-License-Identifier: MIT
#pragma once
// Asking a suite's program for its cases, blocking: for `exec --discover` and for probing.
#include <vector>

#include "base/result.h"
#include "model/suite.h"
#include "runner/kinds/tool.h"
#include "wire/job.h"

namespace baton::runner {

/// In the environment of `exec --discover`, which hands it on to what it starts: by it a server
/// finds what was left of the questions of one before it.
inline constexpr const char* kListKeyVariable = "BATON_LIST_KEY";

/// The suite with its cases; for a cpp binary every suite in it. Kinds that cannot list come back
/// without cases (command with the one that it has).
/// Errors: unprocessable (what the tool said), and those of launch().
Result<wire::Discovery> discover(const model::Suite& suite, int timeout_ms = 120'000);

}  // namespace baton::runner
