// SPDX-License-Identifier: MIT
#pragma once
// What coroutines wait on: gates that any thread can open, results that come by callback, time.
// A coroutine always resumes on its own executor (the thread of its connection).
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/time.h"
#include "base/unique_function.h"

namespace baton::net {

inline constexpr Duration kForever = Duration::max();

/// Why a wait ended.
enum class Wake {
  notified,
  timed_out,
  gone,      // the client closed the connection: nobody will read the answer
  draining,  // the server is stopping: answer now with what is known
};

/// The client at the other end of a request, as waits see it. A copyable handle, for the thread of
/// the connection only (gone() and draining() may be read anywhere). An empty one is never gone.
class Caller {
 public:
  class State;
  Caller() = default;
  explicit Caller(std::shared_ptr<State> state) : state_(std::move(state)) {}
  /// True only once a wait or a write noticed it: an unwatched connection is not asked.
  bool gone() const;
  bool draining() const;
  State* state() const { return state_.get(); }

 private:
  std::shared_ptr<State> state_;
};

/// A place to park one coroutine. notify() from any thread; a notification without a waiter is kept
/// for the next wait (many count as one). A copyable handle: copies share the gate.
class Gate {
 public:
  Gate();
  void notify() const;
  /// Parks until notify(), at most `limit`, or until `caller` is gone or its server drains.
  /// While parked no idle time-out of the connection applies. One waiter at a time.
  boost::asio::awaitable<Wake> wait(Duration limit = kForever, Caller caller = {});

  struct State;

 private:
  std::shared_ptr<State> state_;
};

/// Sleeps on the caller's executor. For pacing at the edges; never in tests of logic.
boost::asio::awaitable<void> sleep_for(Duration duration);

/// Awaits a result that another thread delivers by callback, and resumes on the caller's executor:
///   auto r = co_await from_callback<R>([&](auto done) { writer.submit(op, std::move(done)); });
/// `start` is called at once on this thread; a lambda written in place captures by reference only
/// (g++ 12 destroys what it captured by value twice). `done` must be called exactly once, from any
/// thread: the coroutine waits for it for ever and is not cut short by a client that goes.
template <class R>
boost::asio::awaitable<R> from_callback(UniqueFunction<void(UniqueFunction<void(R)>)> start) {
  struct Slot {
    std::optional<R> value;
    Gate gate;
  };
  auto slot = std::make_shared<Slot>();
  start(UniqueFunction<void(R)>([slot](R result) {
    slot->value.emplace(std::move(result));
    slot->gate.notify();
  }));
  co_await slot->gate.wait();
  co_return std::move(*slot->value);
}

}  // namespace baton::net
