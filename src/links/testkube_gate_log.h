// SPDX-License-Identifier: MIT
#pragma once
// The one log of a gate that waits for several executions: where the text is of another execution
// than before, a line says of which. It is cut at a limit. Each write costs a transaction, so text
// is held until there is enough of it, or until flush() is called. Safe from any thread; texts of
// one gate are written one after the other.
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace baton::links {

/// A suite that prints more than this has its log at Testkube.
inline constexpr std::int64_t kGateLogMax = 64 << 20;

/// So much of a gate's text is written at once.
inline constexpr std::size_t kGateLogBatch = 64 << 10;

class TestkubeGateLogs {
 public:
  /// Errors: not_found, conflict, gone: the gate takes no more; others: later, perhaps.
  using Append = std::function<Result<void>(const std::string& gate, std::string_view text)>;
  explicit TestkubeGateLogs(Append append, std::int64_t max = kGateLogMax);

  /// has: the bytes that the gate's log has already, of this execution; of several: "".
  void open(const std::string& gate, std::int64_t has, const std::string& execution = {});
  /// What is held is dropped: a gate that has ended takes no more.
  void close(const std::string& gate);
  /// Of the execution with this name. Beyond the limit it is accepted and dropped.
  /// Errors, by which it is not taken: gone (the gate is not open); those of append, of what is
  /// held.
  Result<void> append(const std::string& gate, const std::string& execution, std::string_view text);
  /// Writes what is held. False: something could not be written; it is still held.
  bool flush();
  /// Nothing is held of it.
  bool is_written(const std::string& gate) const;

 private:
  struct Gate {
    std::string execution;
    std::int64_t size = 0;  // with what is held
    bool in_line = false;
    bool full = false;
    bool writing = false;
    std::string held;
    std::optional<Error> ended;  // it takes no more
  };

  Gate* find_idle(const std::string& gate, std::unique_lock<std::mutex>& lock);
  Result<void> write(const std::string& gate, Gate& state, std::unique_lock<std::mutex>& lock);
  void hold(Gate& state, const std::string& execution, std::string_view text) const;

  const Append append_;
  const std::int64_t max_;
  mutable std::mutex mutex_;
  std::condition_variable written_;
  std::map<std::string, Gate> gates_;  // guarded by mutex_; one that is `writing` is its writer's
};

}  // namespace baton::links
