// SPDX-License-Identifier: MIT
#include "store/blobs/gate_logs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "base/file.h"
#include "base/fnv.h"

namespace baton::store {
namespace {

Result<std::int64_t> size_of(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0)
    return tl::unexpected(errno_error("look at the log of a gate", errno));
  return std::int64_t{info.st_size};
}

Result<void> write_durably(int fd, std::string_view text) {
  BATON_TRY_VOID(write_all(fd, text));
  if (::fdatasync(fd) != 0)
    return tl::unexpected(errno_error("make the log of a gate durable", errno));
  return {};
}

}  // namespace

Result<std::unique_ptr<GateLogs>> GateLogs::open(std::string folder) {
  BATON_TRY_VOID(make_directories(folder));
  return std::unique_ptr<GateLogs>(new GateLogs(std::move(folder)));
}

Result<std::string> GateLogs::path_of(std::string_view gate) const {
  const bool plain = !gate.empty() && gate.size() < 100 &&
                     std::all_of(gate.begin(), gate.end(), [](char c) {
                       return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
                     });
  if (!plain) return fail(Code::invalid, "this is not the id of a gate");
  return fmt::format("{}/{}.log", folder_, gate);
}

std::mutex& GateLogs::mutex_of(std::string_view gate) {
  return mutexes_[fnv1a(gate) % mutexes_.size()];
}

std::unique_lock<std::mutex> GateLogs::turn(std::string_view gate) {
  return std::unique_lock(turns_[fnv1a(gate) % turns_.size()]);
}

Result<std::int64_t> GateLogs::append(std::string_view gate, std::string_view text) {
  BATON_TRY(path, path_of(gate));
  const std::lock_guard lock(mutex_of(gate));
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (fd.get() < 0) return tl::unexpected(errno_error("open the log of a gate", errno));
  BATON_TRY(before, size_of(fd.get()));
  if (before + static_cast<std::int64_t>(text.size()) > kGateLogMax)
    return fail_with_fix(Code::too_large, "put long output into an artifact",
                         "the log of a gate has at most {} MiB", kGateLogMax >> 20);
  auto written = write_durably(fd.get(), text);
  if (written) return before + static_cast<std::int64_t>(text.size());
  // Half a line helps nobody, and the caller will send all of it again.
  if (::ftruncate(fd.get(), before) != 0)
    return tl::unexpected(errno_error("shorten the log of a gate", errno));
  return tl::unexpected(std::move(written).error());
}

Result<std::string> GateLogs::read(std::string_view gate, std::int64_t offset,
                                   std::size_t max) const {
  BATON_TRY(path, path_of(gate));
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0 && errno == ENOENT) return std::string{};
  if (fd.get() < 0) return tl::unexpected(errno_error("open the log of a gate", errno));
  BATON_TRY(size, size_of(fd.get()));
  const std::int64_t left = std::max<std::int64_t>(0, size - offset);
  std::string text(std::min(max, static_cast<std::size_t>(left)), '\0');
  const ssize_t n = text.empty() ? 0 : ::pread(fd.get(), text.data(), text.size(), offset);
  if (n < 0) return tl::unexpected(errno_error("read the log of a gate", errno));
  text.resize(static_cast<std::size_t>(n));
  return text;
}

Result<std::int64_t> GateLogs::size(std::string_view gate) const {
  BATON_TRY(path, path_of(gate));
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::int64_t{0};
  return std::int64_t{info.st_size};
}

Result<void> GateLogs::remove(std::string_view gate) {
  BATON_TRY(path, path_of(gate));
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return tl::unexpected(errno_error("remove the log of a gate", errno));
  return {};
}

}  // namespace baton::store
