// SPDX-License-Identifier: MIT
// The socket of a session: waiting, deadlines, reading, writing, noticing that the client went.
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/session.h"

namespace baton::net {

namespace asio = boost::asio;
using Wait = asio::posix::stream_descriptor::wait_type;
using boost::system::error_code;

namespace {
constexpr auto kUse = asio::as_tuple(asio::use_awaitable);
// What a client may send ahead while its request is being answered. Beyond it nothing is read until
// then, and its leaving is noticed by the write.
constexpr std::size_t kAheadMax = 64 * 1024;
// About a millisecond of copying.
constexpr std::size_t kBurstMax = 4 << 20;
}  // namespace

asio::awaitable<bool> Session::ready(Direction direction) {
  const auto wait = direction == Direction::read ? Wait::wait_read : Wait::wait_write;
  if (gone_ || timed_out_) co_return false;
  arm_timer();
  const auto [ec] = co_await socket_.async_wait(wait, kUse);
  if (ec && !timed_out_ && !idle_) gone_ = true;  // cut; an idle one is cancelled to end it
  co_return !ec && !timed_out_ && !gone_;
}

asio::awaitable<bool> Session::ready(Step::Kind kind) {
  const auto direction = kind == Step::Kind::wait_write ? Direction::write : Direction::read;
  return ready(direction);
}

asio::awaitable<bool> Session::shake_hands() {
  expire_at(Clock::now() + limits_.header_timeout);
  while (true) {
    const Step step = transport_->handshake();
    if (step.kind == Step::Kind::done) co_return true;
    if (step.kind == Step::Kind::end || step.kind == Step::Kind::failed) co_return false;
    const bool again = co_await ready(step.kind);
    if (!again) co_return false;
  }
}

asio::awaitable<void> Session::take_turns(std::size_t bytes) {
  burst_ += bytes;
  if (burst_ < kBurstMax) co_return;
  burst_ = 0;
  co_await asio::post(worker_.context, asio::use_awaitable);
}

asio::awaitable<std::size_t> Session::read_scratch() {
  if (burst_ >= kBurstMax) co_await take_turns(0);
  while (true) {
    const Step step = transport_->read(worker_.scratch.data(), worker_.scratch.size());
    if (step.kind == Step::Kind::done) {
      burst_ += step.bytes;
      co_return step.bytes;
    }
    if (step.kind == Step::Kind::end || step.kind == Step::Kind::failed) {
      gone_ = true;
      co_return 0;
    }
    const bool again = co_await ready(step.kind);
    if (!again) co_return 0;
  }
}

asio::awaitable<bool> Session::read_more() {
  const std::size_t count = co_await read_scratch();
  in_.append(worker_.scratch.data(), count);
  co_return count > 0;
}

asio::awaitable<bool> Session::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    if (gone_ || timed_out_) co_return false;
    const Step step = transport_->write(bytes.data(), bytes.size());
    if (step.kind == Step::Kind::done) {
      bytes.remove_prefix(step.bytes);
      if (!bytes.empty()) co_await take_turns(step.bytes);
      continue;
    }
    if (step.kind == Step::Kind::end || step.kind == Step::Kind::failed) {
      gone_ = true;
      co_return false;
    }
    expire_at(Clock::now() + limits_.write_stall);
    co_await ready(step.kind);
  }
  deadline_ = Clock::time_point::max();
  co_return true;
}

asio::awaitable<void> Session::linger() {
  transport_->finish_writing();
  if (timed_out_) co_return;
  expire_at(Clock::now() + limits_.linger);
  std::size_t count = 1;
  while (count > 0 && Clock::now() < deadline_) count = co_await read_scratch();
}

void Session::expire_at(Clock::time_point deadline) {
  deadline_ = deadline;
  timed_out_ = false;
}

void Session::arm_timer() {
  if (deadline_ == Clock::time_point::max()) return;
  if (timer_armed_ && timer_.expiry() <= deadline_) return;  // fires earlier, then looks again
  timer_.expires_at(deadline_);                              // cancels the later one
  timer_armed_ = true;
  timer_.async_wait([self = shared_from_this()](error_code ec) {
    if (ec) return;  // replaced or closed
    self->timer_armed_ = false;
    if (Clock::now() < self->deadline_) {
      self->arm_timer();
      return;
    }
    self->timed_out_ = true;
    error_code ignored;
    self->socket_.cancel(ignored);
  });
}

std::uint64_t Session::watch(OnWake on_wake) {
  const std::uint64_t id = next_watch_++;
  watchers_.push_back({id, std::move(on_wake)});
  arm_watch();
  return id;
}

void Session::unwatch(std::uint64_t id) {
  std::erase_if(watchers_, [id](const Watcher& watcher) { return watcher.id == id; });
}

void Session::arm_watch() {
  if (watch_armed_ || watchers_.empty() || gone_ || in_.size() > kAheadMax) return;
  watch_armed_ = true;
  socket_.async_wait(Wait::wait_read, [self = shared_from_this()](error_code ec) {
    self->watch_armed_ = false;
    self->on_readable(static_cast<bool>(ec));
  });
}

void Session::on_readable(bool cancelled) {
  if (watchers_.empty()) return;  // what arrived waits for the next request
  if (!cancelled) {
    const Step step = transport_->read(worker_.scratch.data(), worker_.scratch.size());
    if (step.kind == Step::Kind::done) in_.append(worker_.scratch.data(), step.bytes);
    if (step.kind == Step::Kind::end || step.kind == Step::Kind::failed) gone_ = true;
  }
  if (gone_ || timed_out_) {
    gone_ = true;
    wake_all(Wake::gone);
  } else {
    arm_watch();
  }
}

void Session::wake_all(Wake why) {
  const auto watchers = watchers_;  // a wake may end with unwatch
  for (const Watcher& watcher : watchers) watcher.on_wake(why);
}

void Session::drain(bool late_too) {
  wake_all(Wake::draining);
  if (fresh_ && !late_) become_late();
  error_code ignored;
  if (idle_ && (late_too || !late_)) socket_.cancel(ignored);
}

void Session::become_late() {
  late_ = true;
  const std::lock_guard lock(shared_.mutex);
  ++shared_.late;
  if (shared_.open == shared_.late) shared_.closed.notify_all();
}

void Session::cut() {
  gone_ = true;
  wake_all(Wake::gone);
  error_code ignored;
  socket_.cancel(ignored);
}

void Session::close() {
  gone_ = true;
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace baton::net
