// SPDX-License-Identifier: MIT
#pragma once
// What was said about gates: one file of text each, <folder>/<id>.log, appended to.
// Any thread; blocks on the disk, so never on the writer's thread.
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"

namespace baton::store {

/// Beyond this a log takes nothing more: a verdict has a log for people, not an archive.
inline constexpr std::int64_t kGateLogMax = 256 << 20;

class GateLogs {
 public:
  /// Makes the folder.  Errors: unavailable.
  static Result<std::unique_ptr<GateLogs>> open(std::string folder);

  /// Appends the text and makes it durable.  Result: how many bytes there are now.
  /// Errors: too_large (kGateLogMax), unavailable (disk full), invalid (no gate's id).
  Result<std::int64_t> append(std::string_view gate, std::string_view text);
  /// At most `max` bytes from `offset`; "" at the end, and when there is no log.
  Result<std::string> read(std::string_view gate, std::int64_t offset, std::size_t max) const;
  Result<std::int64_t> size(std::string_view gate) const;
  Result<void> remove(std::string_view gate);

  /// Held by whoever looks at a log and then appends to it, so that of two who say the same one
  /// sees the other's. Appends do not wait for it.
  std::unique_lock<std::mutex> turn(std::string_view gate);

 private:
  explicit GateLogs(std::string folder) : folder_(std::move(folder)) {}
  Result<std::string> path_of(std::string_view gate) const;
  std::mutex& mutex_of(std::string_view gate);

  const std::string folder_;
  std::array<std::mutex, 16> mutexes_;  // appends to one file come one after the other
  std::array<std::mutex, 16> turns_;
};

}  // namespace baton::store
