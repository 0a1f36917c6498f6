// SPDX-License-Identifier: MIT
#include "base/pid_file.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "base/text.h"

namespace baton {
namespace {

// Field 22 of /proc/PID/stat: with the pid it names one process for ever (proc(5)).
std::string start_time(int pid) {
  const auto stat = read_file(fmt::format("/proc/{}/stat", pid), 4096);
  if (!stat) return "";
  const std::size_t name_end = stat->rfind(')');  // the name may hold spaces
  if (name_end == std::string::npos) return "";
  const auto fields = split(std::string_view{*stat}.substr(name_end + 2), ' ');
  return fields.size() > 19 ? std::string{fields[19]} : "";
}

}  // namespace

PinnedProcess pin_process(int pid) {
  return {pid, Fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U))}};
}

Result<void> make_pid_file(const std::string& path) {
  const int pid = ::getpid();
  const std::string own = fmt::format("{}.{}", path, pid);
  {
    const Fd file{::open(own.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (!file) return tl::unexpected(errno_error("create " + own, errno));
    if (auto written = write_all(file.get(), fmt::format("{} {}\n", pid, start_time(pid)));
        !written) {
      ::unlink(own.c_str());
      return written;
    }
  }
  // Under its name only when it is whole, and only when there is none.
  const int bad = ::link(own.c_str(), path.c_str()) == 0 ? 0 : errno;
  ::unlink(own.c_str());
  if (bad == EEXIST) return fail(Code::conflict, "{} exists: another process has it", path);
  if (bad != 0) return tl::unexpected(errno_error("create " + path, bad));
  return {};
}

std::optional<PinnedProcess> find_by_pid_file(const std::string& path) {
  const auto content = read_file(path, 4096);
  if (!content) return std::nullopt;
  const auto words = split(trim(*content), ' ');
  if (words.size() != 2) return std::nullopt;
  int pid = 0;
  std::from_chars(words[0].data(), words[0].data() + words[0].size(), pid);
  if (pid <= 0) return std::nullopt;
  PinnedProcess process = pin_process(pid);
  // The check comes after the pidfd, which pins the process: no other can take its number now.
  if (!process.pidfd || start_time(pid) != words[1]) return std::nullopt;
  return process;
}

}  // namespace baton
