// SPDX-License-Identifier: MIT
#pragma once
// The supervisor's event loop: readable descriptors, timers, and work posted from other threads.
// Owned by the supervisor; everything but post() belongs to its thread. A handler may watch, forget
// and cancel anything, itself included. Handlers do not block.
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/time.h"

namespace baton::runner {

using Clock = std::chrono::steady_clock;
using Instant = Clock::time_point;

class Loop {
 public:
  using Handler = std::function<void()>;
  enum class Watch : std::uint64_t {};
  using Timer = std::pair<Instant, std::uint64_t>;

  Loop();

  /// Calls `on_readable` as long as the descriptor has bytes, an end of file or an error.
  Watch watch(int fd, Handler on_readable);
  /// Neither reports nor spins until resume(): the writer at the other end waits.
  void pause(Watch watch);
  void resume(Watch watch);
  /// Before the descriptor is closed.
  void forget(Watch watch);

  Timer at(Instant when, Handler handler);
  Timer after(Duration delay, Handler handler) {
    return at(Clock::now() + delay, std::move(handler));
  }
  /// Harmless when it has fired already.
  void cancel(Timer timer);

  /// From any thread: runs the handler on the loop's thread.
  void post(Handler handler);

  void run();
  void stop() { running_ = false; }

 private:
  struct Watched {
    int fd;
    Handler handler;
    bool paused = false;
  };
  void run_timers();
  void run_posted();
  int wait_ms() const;

  Fd epoll_;
  Fd wake_;
  bool running_ = false;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Watched> watched_;
  std::map<Timer, Handler> timers_;
  std::mutex mutex_;
  std::vector<Handler> posted_;  // guarded by mutex_
};

}  // namespace baton::runner
