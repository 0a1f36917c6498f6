// SPDX-License-Identifier: MIT
#pragma once
// A control group (version 2) of one's own below that of this process, where that is delegated:
// whoever is in it can be killed at once, whatever it did to hide. Linux only; blocking.
#include <optional>
#include <string>

#include "base/file.h"

namespace baton {

struct Cgroup {
  std::string path;
  /// A child that writes "0" to it, before it becomes another program, belongs to the group with
  /// all that it will start.
  Fd procs;
};

/// A new group `name`. Nothing where there is none to be had: no version 2, a kernel before 5.14,
/// or a group that is not ours to change (systemd: Delegate=yes).
std::optional<Cgroup> make_cgroup(const std::string& name);

/// SIGKILL for everything in the group and below, then removes it. Waits at most two seconds.
/// Harmless when there is no such group.
void kill_cgroup(const std::string& path);

}  // namespace baton
