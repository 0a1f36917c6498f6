// SPDX-License-Identifier: MIT
#pragma once
// One runner as a process of this machine: started detached from the server (own session, so that
// it survives a restart), found again by its pid file, watched by a pidfd.
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/ids.h"

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

/// A running runner. The pidfd becomes readable when it has ended.
struct RunnerProcess {
  int pid = 0;
  Fd pidfd;
};

/// Makes the folder, starts the runner with its output in <folder>/runner.log and leaves a pid
/// file. Errors: unavailable (no memory, no descriptors, disk full).
Result<RunnerProcess> start_runner(const RunnerCommand& command);

/// The runner that the pid file of the folder names, if it is still the same process and of
/// `epoch`.
std::optional<RunnerProcess> find_runner(const std::string& folder, int epoch);

/// Removes what a finished run's runner left on disk.
void remove_runner_folder(const std::string& folder);

/// Kills every process whose environment carries the run's cookie: what a killed runner left
/// behind. Returns how many it killed. (A runner kills its own tree; this is for one that cannot.)
int kill_leftovers(const std::string& folder);

}  // namespace baton::executors
