// SPDX-License-Identifier: MIT
#pragma once
// A file that names one running process for ever: its number and, because numbers come again, when
// it started. Who makes the file first has what it stands for. Linux only; blocking.
#include <optional>
#include <string>

#include "base/file.h"

namespace baton {

/// The pidfd becomes readable when the process has ended.
struct PinnedProcess {
  int pid = 0;
  Fd pidfd;
};

/// Pins a process of this machine; the pidfd is empty when there is none of this number.
PinnedProcess pin_process(int pid);

/// Makes the file with this process in it, whole or not at all. Not synchronised: a process does
/// not outlive the machine. Errors: conflict (there is one, of whatever process), unavailable.
Result<void> make_pid_file(const std::string& path);

/// The process that the file names, when it still runs.
std::optional<PinnedProcess> find_by_pid_file(const std::string& path);

}  // namespace baton
