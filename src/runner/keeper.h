// SPDX-License-Identifier: MIT
#pragma once
// The process above the supervisor: small, does nothing, and outlives it for a moment. A supervisor
// that is killed leaves its tests to the keeper, which kills every one of them.
#include <functional>

namespace baton::runner {

/// Forks: the child runs `supervise` and exits with its result; this process stays behind as
/// keeper, hands SIGTERM and SIGINT on, kills what the supervisor left, and returns the
/// supervisor's exit code (128 + signal when it was killed). Call before any thread exists.
int keep(const std::function<int()>& supervise);

}  // namespace baton::runner
