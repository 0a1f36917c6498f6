// SPDX-License-Identifier: MIT
#pragma once
// What runs in the guard of `lock exec` (cli/exec_guard.h). One thread, no allocation limits, no
// network; it ends with the last process of the command's tree.
#include <sys/types.h>

namespace baton::cli {

struct GuardSetup {
  int socket = -1;
  bool on_terminal = false;
  pid_t front_group = 0;  // the process group of `lock exec`
};

/// Never returns. Called in the child of a fork.
[[noreturn]] void guard_process(const GuardSetup& setup);

}  // namespace baton::cli
