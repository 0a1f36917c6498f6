// SPDX-License-Identifier: MIT
#include "net/await.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>

#include "base/assert.h"
#include "net/caller.h"

namespace baton::net {

namespace asio = boost::asio;
using asio::steady_timer;

namespace {
constexpr auto kUse = asio::as_tuple(asio::use_awaitable);

/// The timer's view of `limit`, without overflow.
steady_timer::time_point expiry_after(Duration limit) {
  constexpr Duration kLongest = std::chrono::hours(24 * 365 * 10);
  if (limit > kLongest) return steady_timer::time_point::max();
  return steady_timer::clock_type::now() + std::max(limit, Duration{0});
}
}  // namespace

// The waiter sleeps on a timer of its own; whoever wakes it cancels that timer on its thread. Posts
// are made under the mutex, so the waiter (and its executor) cannot be gone meanwhile.
struct Gate::State : std::enable_shared_from_this<Gate::State> {
  std::mutex mutex;
  bool notified = false;
  bool posted = false;
  std::uint64_t wait_number = 0;
  steady_timer* timer = nullptr;    // of the present waiter
  std::optional<Wake> interrupted;  // gone or draining; waiter's thread only

  void notify() {
    const std::lock_guard lock(mutex);
    notified = true;
    if (timer == nullptr || posted) return;
    posted = true;
    asio::post(timer->get_executor(), [self = shared_from_this(), number = wait_number] {
      const std::lock_guard inner(self->mutex);
      if (self->timer != nullptr && self->wait_number == number) self->timer->cancel();
    });
  }

  void interrupt(std::uint64_t number, Wake why) {
    const std::lock_guard lock(mutex);
    if (timer == nullptr || wait_number != number) return;
    interrupted = why;
    timer->cancel();
  }
};

namespace {

/// Ends a wait in every case, also when the coroutine's frame is destroyed while it is parked.
class Parked {
 public:
  Parked(Gate::State& state, steady_timer& timer, Caller& caller) : state_(state), caller_(caller) {
    const std::lock_guard lock(state_.mutex);
    BATON_ASSERT(state_.timer == nullptr, "a gate has one waiter at a time");
    state_.posted = false;
    state_.interrupted.reset();
    if (state_.notified) return;
    number_ = ++state_.wait_number;
    state_.timer = &timer;
  }
  Parked(const Parked&) = delete;
  ~Parked() { finish(); }

  bool is_parked() const { return number_ != 0; }

  void watch() {
    if (caller_.state() == nullptr) return;
    watch_ = caller_.state()->watch([state = state_.shared_from_this(), number = number_](
                                        Wake why) { state->interrupt(number, why); });
    is_watching_ = true;
  }

  Wake finish() {
    if (is_watching_) caller_.state()->unwatch(watch_);
    is_watching_ = false;
    const std::lock_guard lock(state_.mutex);
    state_.timer = nullptr;
    if (state_.interrupted) return *state_.interrupted;
    if (!state_.notified) return Wake::timed_out;
    return Wake::notified;
  }

 private:
  Gate::State& state_;
  Caller& caller_;
  std::uint64_t number_ = 0;
  std::uint64_t watch_ = 0;
  bool is_watching_ = false;
};

}  // namespace

Gate::Gate() : state_(std::make_shared<State>()) {}

void Gate::notify() const { state_->notify(); }

asio::awaitable<Wake> Gate::wait(Duration limit, Caller caller) {
  const auto state = state_;
  if (caller.gone()) co_return Wake::gone;
  if (caller.draining()) co_return Wake::draining;
  const auto executor = co_await asio::this_coro::executor;
  steady_timer timer(executor, expiry_after(limit));
  Parked parked(*state, timer, caller);
  if (parked.is_parked()) {
    parked.watch();
    co_await timer.async_wait(kUse);
  }
  const Wake why = parked.finish();
  if (why == Wake::notified) {
    const std::lock_guard lock(state->mutex);
    state->notified = false;
  }
  co_return why;
}

asio::awaitable<void> sleep_for(Duration duration) {
  const auto executor = co_await asio::this_coro::executor;
  steady_timer timer(executor, expiry_after(duration));
  co_await timer.async_wait(kUse);
}

}  // namespace baton::net
