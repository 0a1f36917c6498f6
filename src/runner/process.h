// SPDX-License-Identifier: MIT
#pragma once
// Starts a process the way tests are started: own session, standard input empty or as given, no
// descriptor but those given, a given environment, no core file, first in line for the OOM killer.
// Never fork(): the child shares memory until exec, so the cost does not grow with the runner.
#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace baton::runner {

using Variables = std::map<std::string, std::string>;

struct Launch {
  std::vector<std::string> command;  // argv; a program with '/' is relative to `folder`, else PATH
  std::string folder;                // working directory
  Variables environment;             // complete
  int input = -1;                    // becomes descriptor 0; otherwise there is nothing to read
  int output = -1;                   // becomes descriptors 1 and 2
  int errors = -1;                   // becomes descriptor 2 when set
  int channel = -1;                  // becomes descriptor 3 when set
  int death_signal = 0;              // it gets when the thread that starts it ends, when set
  int cgroup = -1;                   // cgroup.procs of the group that it shall be in, when set
};

/// Result: the pid, which is also its session and its group; a child of this process.
/// Errors: not_found (program or folder), forbidden (not executable), unavailable (out of
/// processes or memory), each naming what it was.
Result<pid_t> launch(const Launch& launch);

/// Runs a tool to its end and collects what it printed. For discovery and probing.
struct Collected {
  int status = 0;  // as waitpid gives it
  bool timed_out = false;
  int limit_ms = 0;    // the time that it was given
  std::string output;  // descriptor 1, at most `max_bytes`
  std::string errors;  // descriptor 2, at most 64 KiB
};
/// Kills the tool's whole tree at the time-out and what it left behind at its end. Blocking. When
/// `stop_fd` becomes readable, the time is over at once. The tool dies with this thread: by the
/// launch's death_signal, or SIGKILL.
/// Errors: as launch.
Result<Collected> collect(Launch launch, int timeout_ms, int stop_fd = -1,
                          std::size_t max_bytes = 64 << 20);

}  // namespace baton::runner
