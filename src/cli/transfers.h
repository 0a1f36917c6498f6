// SPDX-License-Identifier: MIT
#pragma once
// The verbs that move files: artifacts of a run down, result files up.
#include "cli/verb.h"

namespace baton::cli {

/// runs artifacts
int artifacts(Host& host, const Invocation& invocation);
/// report upload
int upload_report(Host& host, const Invocation& invocation);

}  // namespace baton::cli
