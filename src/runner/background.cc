// SPDX-License-Identifier: MIT
#include "runner/background.h"

#include <utility>

namespace baton::runner {

Background::Background(Loop& loop)
    : loop_(loop), thread_([this](const std::stop_token& stop) { run(stop); }) {}

Background::~Background() {
  thread_.request_stop();
  thread_.join();
}

void Background::submit(std::function<Done(std::stop_token)> work) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
}

void Background::run(const std::stop_token& stop) {
  for (;;) {
    std::function<Done(std::stop_token)> work;
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [this] { return !queue_.empty(); })) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    if (stop.stop_requested()) return;
    Done done = work(stop);
    if (done) loop_.post(std::move(done));
  }
}

}  // namespace baton::runner
