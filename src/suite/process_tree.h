// SPDX-License-Identifier: MIT
#pragma once
// Finding and killing whole process trees through /proc. The caller is a child subreaper, so that a
// process whose parent has died becomes its child instead of escaping to init.
#include <sys/types.h>

#include <chrono>
#include <set>
#include <string>
#include <vector>

namespace baton::suite {

/// The direct children of a process (of all its threads), zombies included.
std::vector<pid_t> children_of(pid_t parent);
/// Everything below `root`, without it; parents before their children.
std::vector<pid_t> descendants_of(pid_t root);
/// Sends `signal` to `root` and everything below it.
void signal_tree(pid_t root, int signal);
/// SIGKILL for `root` and everything below it. Freezes the tree first, so that it cannot grow while
/// it is being killed. The caller waits for `root`; what was below becomes a stranger.
void kill_tree(pid_t root);
/// Kills and reaps the children of this process that are not `known`, and theirs, until none is
/// left or `patience` is over. Returns how many were alive.
int kill_strangers(const std::set<pid_t>& known,
                   std::chrono::milliseconds patience = std::chrono::seconds(5));
/// "exited with code 3", "killed by signal 11 (SIGSEGV)".
std::string describe_status(int wait_status);

}  // namespace baton::suite
