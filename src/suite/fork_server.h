// SPDX-License-Identifier: MIT
#pragma once
// The fork server: the process that has run a suite's setup and forks one process per attempt, as
// the runner on the other end of the channel asks (docs/formats/suite-protocol.md). One thread.
#include "suite/registry.h"

namespace baton::suite {

inline constexpr int kProtocol = 1;

/// Serves until the channel closes; returns the process's exit code. `control` is taken over.
int run_fork_server(const SuiteSpec& suite, int control);

}  // namespace baton::suite
