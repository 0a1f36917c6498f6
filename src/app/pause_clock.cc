// SPDX-License-Identifier: MIT
#include "app/pause_clock.h"

#include "base/log.h"

namespace baton::app {
namespace {

constexpr std::chrono::milliseconds kTick{500};

}  // namespace

PauseClock::PauseClock() : ticker_([this] { tick(); }) {}

PauseClock::~PauseClock() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
  ticker_.join();
}

// Whoever asks first after a pause notices it, so no deadline is looked at before.
TimePoint PauseClock::at(std::chrono::steady_clock::time_point now) {
  const auto gap = now - seen_;
  if (gap > kPause) {
    paused_ += gap;
    log::warn("clock.paused",
              {{"ms", std::chrono::duration_cast<std::chrono::milliseconds>(gap).count()}});
  }
  seen_ = std::max(seen_, now);
  return wall_ + std::chrono::floor<Duration>(now - began_ - paused_);
}

Now PauseClock::operator()() {
  const auto wall = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  const std::lock_guard lock(mutex_);
  return Now{at(std::chrono::steady_clock::now()), wall};
}

void PauseClock::tick() {
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, kTick, [&] { return stopping_; }))
    at(std::chrono::steady_clock::now());
}

}  // namespace baton::app
