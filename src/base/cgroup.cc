// SPDX-License-Identifier: MIT
#include "base/cgroup.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "base/text.h"

namespace baton {
namespace {

// Each round is a millisecond; the kernel has this long to end what it was told to.
constexpr int kRoundsMax = 2'000;

// The folder of the version 2 group that this process is in; "" when there is none.
std::string own_folder() {
  const auto groups = read_file("/proc/self/cgroup", 64 << 10);
  const auto mounts = read_file("/proc/self/mountinfo", 4 << 20);
  if (!groups || !mounts) return "";
  std::string path;
  for (const std::string_view line : split(*groups, '\n'))
    if (line.starts_with("0::")) path = line.substr(3);
  // "41 31 0:38 ROOT POINT rw,relatime - cgroup2 cgroup2 rw" (proc(5))
  for (const std::string_view line : split(*mounts, '\n')) {
    if (line.find(" - cgroup2 ") == std::string_view::npos) continue;
    const auto fields = split(line, ' ');
    if (path.empty() || fields.size() < 5) return "";
    const std::string root(fields[3] == "/" ? "" : fields[3]);
    if (!path.starts_with(root)) return "";
    return std::string(fields[4]) + path.substr(root.size());
  }
  return "";
}

// root may write everywhere; that alone gives it no right to rearrange what systemd manages.
bool is_delegated(const std::string& folder) {
  if (::geteuid() != 0) return ::access(folder.c_str(), W_OK) == 0;
  for (const char* name : {"trusted.delegate", "user.delegate"}) {
    char value[8] = {};
    if (::getxattr(folder.c_str(), name, value, sizeof value) == 1 && value[0] == '1') return true;
  }
  return false;
}

}  // namespace

std::optional<Cgroup> make_cgroup(const std::string& name) {
  const std::string folder = own_folder();
  if (folder.empty() || !is_delegated(folder)) return std::nullopt;
  Cgroup made{folder + "/" + name, {}};
  if (::mkdir(made.path.c_str(), 0755) != 0) return std::nullopt;
  made.procs = Fd(::open((made.path + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  const bool kills = ::access((made.path + "/cgroup.kill").c_str(), W_OK) == 0;
  if (made.procs && kills) return made;
  ::rmdir(made.path.c_str());
  return std::nullopt;
}

void kill_cgroup(const std::string& path) {
  for (int round = 0; round < kRoundsMax; ++round) {
    // Removing it works as soon as nobody is in it.
    if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return;
    const Fd kill(::open((path + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
    if (!kill || ::write(kill.get(), "1", 1) != 1) return;
    ::poll(nullptr, 0, 1);
  }
}

}  // namespace baton
