// SPDX-License-Identifier: MIT
#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace baton {

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Error errno_error(std::string_view what, int error_number) {
  Error error{Code::unavailable,
              fmt::format("{}: {}", what, std::generic_category().message(error_number))};
  if (error_number == ENOENT) error.code = Code::not_found;
  if (error_number == ENOSPC || error_number == EDQUOT) error.fix = "free space on the disk";
  return error;
}

Result<std::string> read_file(const std::string& path, std::uint64_t max_bytes) {
  const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return tl::unexpected(errno_error("open " + path, errno));
  std::string content;
  char buffer[64 * 1024];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected(errno_error("read " + path, errno));
    if (n == 0) return content;
    content.append(buffer, static_cast<std::size_t>(n));
    if (content.size() > max_bytes)
      return fail(Code::too_large, "{} is larger than {} bytes", path, max_bytes);
  }
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected(errno_error("write", errno));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> replace_file(const std::string& path, std::string_view content, unsigned mode) {
  const std::string beside = fmt::format("{}.new.{}", path, ::getpid());
  Fd fd{::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)};
  if (!fd) return tl::unexpected(errno_error("create " + beside, errno));
  auto written = write_all(fd.get(), content);
  if (written && ::fsync(fd.get()) != 0)
    written = tl::unexpected(errno_error("fsync " + beside, errno));
  fd.reset();
  if (written && std::rename(beside.c_str(), path.c_str()) != 0)
    written = tl::unexpected(errno_error("rename " + beside, errno));
  if (!written) {
    ::unlink(beside.c_str());
    return written;
  }
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  return synchronise_folder(folder);
}

Result<void> synchronise_folder(const std::string& folder) {
  const Fd fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd || ::fsync(fd.get()) != 0) return tl::unexpected(errno_error("fsync " + folder, errno));
  return {};
}

Result<void> make_directories(const std::string& path) {
  for (std::size_t at = 0; at != std::string::npos;) {
    at = path.find('/', at + 1);
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
      return tl::unexpected(errno_error("mkdir " + part, errno));
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))
    return fail(Code::unavailable, "{} is not a folder", path);
  return {};
}

}  // namespace baton
