// SPDX-License-Identifier: MIT
#pragma once
// The fork server: the process that has run a suite's setup and forks one process per attempt, as
// the runner on the other end of the channel asks (docs/formats/suite-protocol.md). One thread.
#include <cstdint>

#include "suite/registry.h"

namespace baton::suite {

inline constexpr int kProtocol = 1;

/// What a runner says when it forks a process with threads, which the forked ones do not have; `{}`
/// is their number. A thread that holds a lock at the fork (of the allocator, of a library) leaves
/// it locked in the test.
inline constexpr const char kThreadsBeforeSetup[] =
    "{} thread(s) run before the setup, started by static initialisers: tests are forked without "
    "them and may hang on a lock that one of them holds; start threads in the tests that need them";
inline constexpr const char kThreadsOfSetup[] =
    "the setup left {} thread(s) running: tests are forked without them and may hang on a lock "
    "that "
    "one of them holds; end them before the setup returns, start them in the tests that need them, "
    "or keep them in a process that the setup starts";

/// The threads of this process, without the library's own.
std::int64_t count_threads();

/// Serves until the channel closes; returns the process's exit code. `control` is taken over.
int run_fork_server(const SuiteSpec& suite, int control);

}  // namespace baton::suite
