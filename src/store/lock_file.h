// SPDX-License-Identifier: MIT
#pragma once
// The lock that keeps a second server out of a data folder: an flock on <folder>/baton.lock, held
// as long as the object lives and given back by the kernel when the process dies. The file names
// the holder's process for the one who is refused.
#include <string>

#include "base/file.h"

namespace baton::store {

class LockFile {
 public:
  /// Errors: conflict (another process holds it; the message names its pid), unavailable.
  static Result<LockFile> acquire(const std::string& folder);

 private:
  explicit LockFile(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace baton::store
