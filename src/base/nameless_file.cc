// SPDX-License-Identifier: MIT
#include "base/nameless_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

namespace baton {

Result<Fd> make_nameless_file(const std::string& folder) {
  Fd file{::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
  if (file) return file;
  std::string path = folder + "/upload-XXXXXX";  // for file systems without O_TMPFILE
  file.reset(::mkostemp(path.data(), O_CLOEXEC));
  if (!file) return tl::unexpected(errno_error("create a file in " + folder, errno));
  ::unlink(path.c_str());
  return file;
}

}  // namespace baton
