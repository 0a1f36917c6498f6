// SPDX-License-Identifier: MIT
#pragma once
// What /proc says about processes: children, sessions; and killing what it finds.
// Linux only. Blocking for microseconds; safe from any thread.
#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/marked.h"
#include "suite/process_tree.h"

namespace baton::runner {

using suite::children_of;
using suite::descendants_of;
using suite::describe_status;

/// Those of this process whose parent is its main thread: what it started there, and orphans, which
/// the kernel gives to the first thread.
std::vector<pid_t> children_of_main_thread();

struct ProcessInfo {
  char state = '?';  // 'Z' for a zombie
  pid_t parent = 0;
  pid_t session = 0;
};
/// False when there is no such process.
bool process_info(pid_t pid, ProcessInfo& info);

/// Sends a signal unless the process is gone or a zombie. True when it was sent.
bool signal_process(pid_t pid, int signal);

/// SIGKILLs every descendant of this process that `chosen` accepts (its descendants with it) until
/// none is left alive, reaping those that became children. Waits at most `rounds` milliseconds.
/// Returns how many are still alive.
int kill_descendants(const std::function<bool(pid_t)>& chosen, int rounds);

}  // namespace baton::runner
