// SPDX-License-Identifier: MIT
#pragma once
// The clock of operations: the wall clock at the start, moved on by the monotonic one, so that
// setting the machine's clock neither expires nor prolongs anything. While the process is stopped
// (SIGSTOP, a debugger, a machine that sleeps) nobody can renew a lease: such time does not count.
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/time.h"

namespace baton::app {

class PauseClock {
 public:
  /// A process that no thread of was run for so long was stopped.
  static constexpr std::chrono::milliseconds kPause{2'000};

  PauseClock();
  ~PauseClock();
  /// From any thread.
  Now operator()();

 private:
  TimePoint at(std::chrono::steady_clock::time_point now);  // mutex_ is held
  void tick();

  const TimePoint wall_ = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;                                 // guarded by mutex_
  std::chrono::steady_clock::time_point seen_ = began_;   // guarded by mutex_
  std::chrono::steady_clock::duration paused_{0};         // guarded by mutex_
  std::thread ticker_;
};

}  // namespace baton::app
