// SPDX-License-Identifier: MIT
#include "runner/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/assert.h"

namespace baton::runner {
namespace {

constexpr std::uint64_t kWakeId = 0;

void control(int epoll, int operation, int fd, std::uint64_t id) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = id;
  const int result = ::epoll_ctl(epoll, operation, fd, &event);
  BATON_ASSERT(result == 0 || operation == EPOLL_CTL_DEL, "epoll takes every pipe and socket");
}

}  // namespace

Loop::Loop()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  BATON_ASSERT(epoll_ && wake_, "a process may have an epoll and an eventfd");
  control(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), kWakeId);
}

Loop::Watch Loop::watch(int fd, Handler on_readable) {
  const std::uint64_t id = ++last_id_;
  watched_.emplace(id, Watched{fd, std::move(on_readable)});
  control(epoll_.get(), EPOLL_CTL_ADD, fd, id);
  return Watch{id};
}

void Loop::pause(Watch watch) {
  const auto found = watched_.find(static_cast<std::uint64_t>(watch));
  if (found == watched_.end() || found->second.paused) return;
  found->second.paused = true;
  // Removed, not masked: an end of file would be reported in spite of an empty mask.
  control(epoll_.get(), EPOLL_CTL_DEL, found->second.fd, found->first);
}

void Loop::resume(Watch watch) {
  const auto found = watched_.find(static_cast<std::uint64_t>(watch));
  if (found == watched_.end() || !found->second.paused) return;
  found->second.paused = false;
  control(epoll_.get(), EPOLL_CTL_ADD, found->second.fd, found->first);
}

void Loop::forget(Watch watch) {
  const auto found = watched_.find(static_cast<std::uint64_t>(watch));
  if (found == watched_.end()) return;
  if (!found->second.paused) control(epoll_.get(), EPOLL_CTL_DEL, found->second.fd, found->first);
  watched_.erase(found);
}

Loop::Timer Loop::at(Instant when, Handler handler) {
  const Timer timer{when, ++last_id_};
  timers_.emplace(timer, std::move(handler));
  return timer;
}

void Loop::cancel(Timer timer) { timers_.erase(timer); }

void Loop::post(Handler handler) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(handler));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

int Loop::wait_ms() const {
  if (timers_.empty()) return -1;
  const auto left = timers_.begin()->first.first - Clock::now();
  if (left <= Clock::duration::zero()) return 0;
  // Rounded up: waking a little early would spin until the timer is due.
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::min<std::int64_t>(ms, 60'000));
}

void Loop::run_timers() {
  const Instant now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    const Handler handler = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    handler();
  }
}

void Loop::run_posted() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = ::read(wake_.get(), &count, sizeof count);
  std::vector<Handler> posted;
  {
    const std::lock_guard lock(mutex_);
    posted.swap(posted_);
  }
  for (const Handler& handler : posted) handler();
}

void Loop::run() {
  running_ = true;
  std::array<epoll_event, 64> events;
  while (running_) {
    const int n =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_ms());
    BATON_ASSERT(n >= 0 || errno == EINTR, "epoll_wait works");
    for (int i = 0; i < n && running_; ++i) {
      const std::uint64_t id = events[static_cast<std::size_t>(i)].data.u64;
      if (id == kWakeId) {
        run_posted();
        continue;
      }
      // An earlier handler of this round may have forgotten it.
      const auto found = watched_.find(id);
      if (found == watched_.end() || found->second.paused) continue;
      const Handler handler = found->second.handler;
      handler();
    }
    if (running_) run_timers();
  }
}

}  // namespace baton::runner
