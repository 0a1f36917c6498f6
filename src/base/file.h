// SPDX-License-Identifier: MIT
#pragma once
// Files at the edges: reading whole, replacing atomically, descriptors that close themselves.
// Blocking; never called from an operation.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace baton {

/// Owns one file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Fd() { reset(); }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// Errors: not_found, too_large (beyond `max_bytes`), unavailable (any other failure, with errno's
/// text).
Result<std::string> read_file(const std::string& path, std::uint64_t max_bytes = 64 << 20);
/// Writes beside the target, fsyncs, renames and fsyncs the folder: the file is old or new, never
/// half.
Result<void> replace_file(const std::string& path, std::string_view content, unsigned mode = 0644);
/// Writes all of it, repeating short writes. Errors: unavailable with errno's text ("disk full"
/// too).
Result<void> write_all(int fd, std::string_view bytes);
/// mkdir -p with mode 0700 for what it makes.
Result<void> make_directories(const std::string& path);
/// The name of a file that was made or renamed is durable only after its folder was synchronised.
Result<void> synchronise_folder(const std::string& folder);
/// errno as an Error of code unavailable: "open /x: Permission denied".
Error errno_error(std::string_view what, int error_number);

}  // namespace baton
