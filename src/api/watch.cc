// SPDX-License-Identifier: MIT
#include "api/watch.h"

#include <algorithm>

#include "base/log.h"
#include "store/tx.h"

namespace baton::api {
namespace {

// Rows per read: a burst of commits is read in few steps, and no read holds a snapshot for long.
constexpr std::size_t kPumpRows = 1'000;

}  // namespace

Watch::Watch(store::Store& store, engine::Feed& feed)
    : store_(store), feed_(feed), subscription_(feed.subscribe([this](Seq) { wake_one(); })) {}

Watch::~Watch() { feed_.unsubscribe(subscription_); }

void Watch::mark(std::string_view key) {
  const auto [first, last] = waiters_.equal_range(key);
  for (auto it = first; it != last; ++it) it->second->hit();
}

void Watch::notify(std::string_view key) {
  const std::lock_guard lock(mutex_);
  mark(key);
}

std::size_t Watch::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiters_.size();
}

// feed_.last() is always read outside mutex_: the feed calls wake_one() under a mutex of its own.
void Watch::add(Waiter& waiter) {
  const Seq last = feed_.last();
  const std::lock_guard lock(mutex_);
  // Nobody read on while nobody waited.
  if (waiters_.empty()) cursor_ = last;
  waiters_.emplace(waiter.key_, &waiter);
  if (!waiter.also_.empty()) waiters_.emplace(waiter.also_, &waiter);
}

void Watch::remove(Waiter& waiter) {
  const std::lock_guard lock(mutex_);
  forget(waiter.key_, waiter);
  if (!waiter.also_.empty()) forget(waiter.also_, waiter);
}

void Watch::forget(const std::string& key, const Waiter& waiter) {
  const auto [first, end] = waiters_.equal_range(key);
  const auto it =
      std::find_if(first, end, [&](const auto& entry) { return entry.second == &waiter; });
  if (it != end) waiters_.erase(it);
}

void Watch::park(Waiter& waiter) {
  const std::lock_guard lock(mutex_);
  parked_.insert(&waiter);
}

void Watch::unpark(Waiter& waiter) {
  const std::lock_guard lock(mutex_);
  parked_.erase(&waiter);
}

void Watch::wake_one() {
  const std::lock_guard lock(mutex_);
  if (!parked_.empty()) (*parked_.begin())->gate_.notify();
}

void Watch::pump() {
  const std::lock_guard pumping(pumping_);
  for (;;) {
    const Seq last = feed_.last();
    const Seq from = cursor();
    if (from >= last) return;
    auto events = read(from);
    const std::lock_guard lock(mutex_);
    if (!events) {
      // Whoever waits looks at the state itself then; a store that fails answers them with an
      // error.
      log::warn("watch.read_failed", {{"error", events.error().message}});
      for (const auto& [key, waiter] : waiters_) waiter->hit();
      cursor_ = last;
      return;
    }
    for (const model::Event& event : *events) {
      mark(event.subject);
      cursor_ = event.seq;
    }
    if (!events->empty()) mark("");
    // Positions may be missing (a rolled back operation took them).
    if (events->size() < kPumpRows) cursor_ = std::max(cursor_, last);
  }
}

Seq Watch::cursor() const {
  const std::lock_guard lock(mutex_);
  return cursor_;
}

Result<std::vector<model::Event>> Watch::read(Seq after) {
  BATON_TRY(snapshot, store_.snapshot());
  return store::read_journal(snapshot.sql(), after, static_cast<int>(kPumpRows));
}

void Watch::Waiter::hit() {
  hit_ = true;
  gate_.notify();
}

Watch::Waiter::Waiter(Watch& watch, std::string key, std::string also)
    : watch_(watch), key_(std::move(key)), also_(std::move(also)) {
  watch_.add(*this);
}

Watch::Waiter::~Waiter() { watch_.remove(*this); }

/// Marks a waiter as parked, also when its coroutine is destroyed there.
class Watch::Waiter::Parked {
 public:
  explicit Parked(Waiter& waiter) : waiter_(waiter) { waiter_.watch_.park(waiter_); }
  ~Parked() { end(); }
  Parked(const Parked&) = delete;
  Parked& operator=(const Parked&) = delete;
  void end() const { waiter_.watch_.unpark(waiter_); }

 private:
  Waiter& waiter_;
};

boost::asio::awaitable<net::Wake> Watch::Waiter::wait(Duration limit, net::Caller caller) {
  const auto end = std::chrono::steady_clock::now() + limit;
  for (;;) {
    if (hit_.exchange(false)) co_return net::Wake::notified;
    const auto left = std::chrono::ceil<Duration>(end - std::chrono::steady_clock::now());
    if (left <= Duration{0}) co_return net::Wake::timed_out;
    const Parked parked(*this);
    // What was committed while nobody was parked; from here on commits wake a parked one.
    watch_.pump();
    if (hit_) continue;
    const net::Wake wake = co_await gate_.wait(left, caller);
    // Whatever ended the wait, this one may have been chosen to read on.
    parked.end();
    watch_.pump();
    if (wake != net::Wake::notified) co_return wake;
  }
}

}  // namespace baton::api
