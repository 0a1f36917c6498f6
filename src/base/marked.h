// SPDX-License-Identifier: MIT
#pragma once
// Processes that carry a mark: a variable in the environment that they started with, which what
// they start inherits. How those of a dead parent are found again. Linux only; blocking.
#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace baton {

/// The process ids (and thread ids) that a folder of /proc lists.
std::vector<pid_t> process_numbers_in(const std::string& folder);

/// The value of a variable in the environment that the process started with; "" without one, and
/// for a process that has ended.
std::string initial_variable(pid_t pid, std::string_view name);

/// SIGKILLs every process on the machine whose initial environment has `name` with a value that
/// starts with `prefix`, except this one, until none is left; processes that even that does not end
/// are given up after a second or so. Returns how many were killed.
int kill_marked(std::string_view name, std::string_view prefix);

}  // namespace baton
