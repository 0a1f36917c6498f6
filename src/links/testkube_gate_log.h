// SPDX-License-Identifier: MIT
#pragma once
// The one log of a gate that waits for several executions: where the text is of another execution
// than before, a line says of which. It is cut at a limit. Safe from any thread; texts of one gate
// are written one after the other.
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"

namespace baton::links {

/// A suite that prints more than this has its log at Testkube.
inline constexpr std::int64_t kGateLogMax = 64 << 20;

class TestkubeGateLogs {
 public:
  using Append = std::function<Result<void>(const std::string& gate, std::string_view text)>;
  explicit TestkubeGateLogs(Append append, std::int64_t max = kGateLogMax);

  /// has: the bytes that the gate's log has already, of this execution; of several: "".
  void open(const std::string& gate, std::int64_t has, const std::string& execution = {});
  void close(const std::string& gate);
  /// Of the execution with this name. Beyond the limit it is accepted and dropped.
  /// Errors: gone (the gate is not open); those of append.
  Result<void> append(const std::string& gate, const std::string& execution, std::string_view text);

 private:
  struct Gate {
    std::string execution;
    std::int64_t size = 0;
    bool in_line = false;
    bool full = false;
    bool writing = false;
  };

  Result<void> write(const std::string& gate, Gate& state, const std::string& execution,
                     std::string_view text) const;

  const Append append_;
  const std::int64_t max_;
  std::mutex mutex_;
  std::condition_variable written_;
  std::map<std::string, Gate> gates_;  // guarded by mutex_; one that is `writing` is its writer's
};

}  // namespace baton::links
