// SPDX-License-Identifier: MIT
#include "store/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"

namespace baton::store {

Result<LockFile> LockFile::acquire(const std::string& folder) {
  const std::string path = folder + "/baton.lock";
  Fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!fd) return tl::unexpected(errno_error("open " + path, errno));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return tl::unexpected(errno_error("lock " + path, errno));
    char buffer[32];
    const ssize_t n = ::pread(fd.get(), buffer, sizeof buffer, 0);
    const std::string_view pid = trim({buffer, n > 0 ? static_cast<std::size_t>(n) : 0});
    return fail_with_fix(Code::conflict, "stop it, or choose another folder with --data",
                         "another Baton server (pid {}) uses {}", pid.empty() ? "unknown" : pid,
                         folder);
  }
  // The pid is for people only. With a full disk the lock holds all the same.
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd.get(), 0) == 0)
    (void)!::pwrite(fd.get(), pid.data(), pid.size(), 0);
  return LockFile(std::move(fd));
}

}  // namespace baton::store
