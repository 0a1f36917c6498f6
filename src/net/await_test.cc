// SPDX-License-Identifier: MIT
#include "net/await.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <thread>

#include "base/result.h"

namespace baton::net {
namespace {

namespace asio = boost::asio;
using asio_void = asio::awaitable<void>;

/// Runs one coroutine to its end on this thread.
void run(const std::function<asio_void()>& body) {
  asio::io_context context{1};
  bool ended = false;
  const std::function<asio_void()> whole = [&]() -> asio_void {
    co_await body();
    ended = true;
  };
  asio::co_spawn(context, whole(), asio::detached);
  context.run();
  EXPECT_TRUE(ended);
}

TEST(Await, a_result_comes_from_another_thread_and_resumes_here) {
  std::thread other;
  run([&]() -> asio_void {
    const auto here = std::this_thread::get_id();
    UniqueFunction<void(UniqueFunction<void(std::unique_ptr<int>)>)> start =
        [&other](UniqueFunction<void(std::unique_ptr<int>)> done) {
          other =
              std::thread([done = std::move(done)]() mutable { done(std::make_unique<int>(7)); });
        };
    const auto value = co_await from_callback<std::unique_ptr<int>>(std::move(start));
    EXPECT_EQ(7, *value);
    EXPECT_EQ(here, std::this_thread::get_id());
  });
  other.join();
}

TEST(Await, a_result_may_come_at_once) {
  run([]() -> asio_void {
    UniqueFunction<void(UniqueFunction<void(Result<int>)>)> start =
        [](UniqueFunction<void(Result<int>)> done) { done(fail(Code::busy, "later")); };
    const auto result = co_await from_callback<Result<int>>(std::move(start));
    EXPECT_EQ(Code::busy, result.error().code);
  });
}

asio::awaitable<Result<int>> number(bool good) {
  if (!good) co_return fail(Code::gone, "no number");
  co_return 20;
}

asio::awaitable<Result<int>> sum(bool good) {
  CO_BATON_TRY(first, co_await number(true));
  CO_BATON_TRY(second, co_await number(good));
  co_return first + second + 2;
}

TEST(Await, errors_leave_a_coroutine_by_the_macro) {
  run([]() -> asio_void {
    const auto good = co_await sum(true);
    EXPECT_EQ(42, *good);
    const auto bad = co_await sum(false);
    EXPECT_EQ(Code::gone, bad.error().code);
  });
}

TEST(Await, a_notification_before_the_wait_is_kept_once) {
  run([]() -> asio_void {
    Gate gate;
    gate.notify();
    gate.notify();
    const Wake first = co_await gate.wait();
    EXPECT_EQ(Wake::notified, first);
    const Wake second = co_await gate.wait(Duration{5});
    EXPECT_EQ(Wake::timed_out, second);
    const Wake third = co_await gate.wait(Duration{-5});
    EXPECT_EQ(Wake::timed_out, third);
  });
}

TEST(Await, no_notification_is_lost_between_threads) {
  constexpr int kRounds = 20'000;
  Gate there;
  Gate back;
  std::atomic<int> seen{0};
  std::thread other([&] {
    asio::io_context context{1};
    const std::function<asio_void()> answer = [&]() -> asio_void {
      for (int i = 0; i < kRounds; ++i) {
        co_await there.wait();
        ++seen;
        back.notify();
      }
    };
    asio::co_spawn(context, answer(), asio::detached);
    context.run();
  });
  run([&]() -> asio_void {
    for (int i = 0; i < kRounds; ++i) {
      there.notify();
      co_await back.wait();
    }
  });
  other.join();
  EXPECT_EQ(kRounds, seen);
}

TEST(Await, notifications_race_with_time_outs) {
  Gate gate;
  std::atomic<bool> stop{false};
  std::jthread noise([&] {
    while (!stop) gate.notify();
  });
  run([&]() -> asio_void {
    for (int i = 0; i < 2'000; ++i) co_await gate.wait(Duration{i % 2});
  });
  stop = true;
}

TEST(Await, a_parked_coroutine_may_be_destroyed) {
  Gate gate;
  {
    asio::io_context context{1};
    const std::function<asio_void()> park = [&]() -> asio_void { co_await gate.wait(); };
    asio::co_spawn(context, park(), asio::detached);
    context.poll();
  }
  gate.notify();
}

}  // namespace
}  // namespace baton::net
