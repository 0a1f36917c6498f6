// SPDX-License-Identifier: MIT
#include "api/remote_calls.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace baton::api {

struct RemoteCalls::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Work> queue;            // guarded by mutex, as what follows; for an idle thread each
  std::vector<std::thread> threads;  // as many as were ever needed at once
  std::size_t busy = 0;              // queued or under way
  bool ended = false;
  std::stop_source stop;

  void loop() {
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return ended || !queue.empty(); });
      if (queue.empty()) return;
      {
        Work work = std::move(queue.front());
        queue.pop_front();
        lock.unlock();
        work(stop.get_token());
      }
      lock.lock();
      --busy;
    }
  }
};

RemoteCalls::RemoteCalls() : state_(std::make_unique<State>()) {}

RemoteCalls::~RemoteCalls() {
  stop();
  {
    const std::lock_guard lock(state_->mutex);
    state_->ended = true;
    state_->wake.notify_all();
  }
  for (std::thread& thread : state_->threads) thread.join();
}

Result<void> RemoteCalls::post(Work work) {
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  if (state.stop.stop_requested()) return fail(Code::unavailable, "the server stops");
  if (state.busy == kRemoteCallsMax)
    return fail_with_fix(Code::unavailable, "ask again in a moment",
                         "{} calls of other servers are under way already", kRemoteCallsMax);
  ++state.busy;
  state.queue.push_back(std::move(work));
  if (state.threads.size() < state.busy) state.threads.emplace_back([&state] { state.loop(); });
  state.wake.notify_one();
  return {};
}

void RemoteCalls::stop() { state_->stop.request_stop(); }

TimedHttp::TimedHttp(links::Http& http, Duration limit)
    : http_(http), limit_(limit), began_(std::chrono::steady_clock::now()) {}

Result<net::HttpResponse> TimedHttp::send(net::HttpRequest request) {
  const auto left =
      limit_ - std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began_);
  if (left <= Duration{0})
    return fail(Code::timeout, "{}: not asked, the calls before took {}", request.url,
                format_duration(limit_));
  request.total_timeout = std::min(request.total_timeout, left);
  return http_.send(std::move(request));
}

}  // namespace baton::api
