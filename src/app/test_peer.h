// SPDX-License-Identifier: MIT
#pragma once
// For the tests of this room: an outside system on a free port that records what it is asked, and
// does not answer what it is told to be silent about. Any thread.
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "net/await.h"
#include "net/test_support.h"

namespace baton::app {

class TestPeer {
 public:
  explicit TestPeer(std::function<net::Response(const net::Request&)> answer)
      : answer_(std::move(answer)), server_(net::serve([this](net::Request request) {
          return handle(std::move(request));
        })) {}

  std::string url() const { return server_->url(); }

  /// From now on whatever has this in its target gets no answer; "" = nothing is silenced.
  void silence(std::string part) {
    const std::lock_guard lock(mutex_);
    silent_ = std::move(part);
  }
  int count(std::string_view part) const {
    const std::lock_guard lock(mutex_);
    int found = 0;
    for (const std::string& target : asked_)
      found += int{target.find(part) != std::string::npos};
    return found;
  }
  /// Waits for so many requests that have this in their target; false when they do not come.
  bool is_asked(std::string_view part, int times = 1) const {
    return net::eventually([&] { return count(part) >= times; });
  }

 private:
  net::asio_response handle(net::Request request) {
    bool is_silent = false;
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(request.target);
      is_silent = !silent_.empty() && request.target.find(silent_) != std::string::npos;
    }
    if (is_silent) {
      net::Gate never;
      co_await never.wait(net::kForever, request.caller);
    }
    co_return answer_(request);
  }

  const std::function<net::Response(const net::Request&)> answer_;
  mutable std::mutex mutex_;
  std::string silent_;              // guarded by mutex_
  std::vector<std::string> asked_;  // guarded by mutex_: targets
  const std::unique_ptr<net::Server> server_;  // last: its threads use what is above
};

/// How long an action takes.
inline Duration time_of(const std::function<void()>& action) {
  const auto begin = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - begin);
}

/// What may pass until something has stopped whose calls are cancelled. Those last 30 s, or as long
/// as a stream, when they are not; a machine that is busy takes a second or two.
inline constexpr Duration kPromptly{10'000};

}  // namespace baton::app
