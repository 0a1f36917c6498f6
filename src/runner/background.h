// SPDX-License-Identifier: MIT
#pragma once
// One thread for what may block or take long beside the loop: parsing report files, copying
// artifacts, asking the server for the job. Work is done in order; its result comes back to the
// loop.
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "runner/loop.h"

namespace baton::runner {

class Background {
 public:
  explicit Background(Loop& loop);
  /// Drops what has not begun; waits for what has.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// `work` runs on the thread and returns what shall run on the loop afterwards.
  using Done = std::function<void()>;
  void submit(std::function<Done(std::stop_token)> work);

 private:
  void run(const std::stop_token& stop);

  Loop& loop_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<std::function<Done(std::stop_token)>> queue_;  // guarded by mutex_
  std::jthread thread_;
};

}  // namespace baton::runner
