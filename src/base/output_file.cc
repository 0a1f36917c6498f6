// SPDX-License-Identifier: MIT
#include "base/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/file.h"

namespace baton {

Result<void> write_output_file(const std::string& path, std::string_view content) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode))
    return replace_file(path, content);
  const Fd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (!fd) return tl::unexpected(errno_error("open " + path, errno));
  return write_all(fd.get(), content);
}

}  // namespace baton
