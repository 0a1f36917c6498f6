// SPDX-License-Identifier: MIT
#include "engine/feed.h"

namespace baton::engine {

Feed::Subscription Feed::subscribe(std::function<void(Seq)> wake) {
  const std::lock_guard lock(mutex_);
  const Subscription subscription = next_++;
  wakes_.emplace(subscription, std::move(wake));
  return subscription;
}

void Feed::unsubscribe(Subscription subscription) {
  const std::lock_guard lock(mutex_);
  wakes_.erase(subscription);
}

void Feed::publish(Seq last) {
  // Under the lock, so that unsubscribe() waits for a wake-up that is on its way.
  const std::lock_guard lock(mutex_);
  if (last <= last_) return;
  last_ = last;
  for (const auto& [subscription, wake] : wakes_) wake(last);
}

Seq Feed::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

}  // namespace baton::engine
