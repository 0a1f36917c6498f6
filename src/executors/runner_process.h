// SPDX-License-Identifier: MIT
#pragma once
// One runner as a process of this machine: started detached from the server (own session, so that
// it survives a restart), found again by the pid file that it makes, watched by a pidfd.
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/ids.h"
#include "base/pid_file.h"

namespace baton::executors {

struct RunnerCommand {
  std::string program;             // absolute path of a program that knows the verb
  std::vector<std::string> verb;   // {"exec"}, or {"__runner"} of an embedding program
  std::string address_file;        // <data>/server.json
  std::string folder;              // <data>/runners/<run>
  RunId run{};
  int epoch = 0;
  std::string token;               // handed over in a file of mode 0600
};

using RunnerProcess = PinnedProcess;

/// Makes the folder and starts the runner with its output in <folder>/runner.log. The runner ends
/// at once when there is one of this epoch already.
/// Errors: unavailable (no memory, no descriptors, disk full).
Result<RunnerProcess> start_runner(const RunnerCommand& command);

/// The runner of `epoch` that uses this folder, if it is still alive.
std::optional<RunnerProcess> find_runner(const std::string& folder, int epoch);

/// Removes what a finished run's runner left on disk.
void remove_runner_folder(const std::string& folder);

/// Kills every process whose environment carries the run's cookie: what a killed runner left
/// behind. Returns how many it killed. (A runner kills its own tree; this is for one that cannot.)
int kill_leftovers(const std::string& folder);

}  // namespace baton::executors
