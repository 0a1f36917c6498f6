// SPDX-License-Identifier: MIT
#include "engine/feed.h"

namespace baton::engine {

namespace {

bool any_begins_with(const std::set<std::string>& kinds, const std::string& prefix) {
  const auto found = kinds.lower_bound(prefix);
  return found != kinds.end() && found->starts_with(prefix);
}

}  // namespace

Feed::Subscription Feed::subscribe(std::function<void(Seq)> wake, std::string kinds_prefix) {
  const std::lock_guard lock(mutex_);
  const Subscription subscription = next_++;
  readers_.emplace(subscription, Reader{std::move(wake), std::move(kinds_prefix)});
  return subscription;
}

void Feed::unsubscribe(Subscription subscription) {
  const std::lock_guard lock(mutex_);
  readers_.erase(subscription);
}

void Feed::publish(Seq last, const std::optional<std::set<std::string>>& kinds) {
  // Under the lock, so that unsubscribe() waits for a wake-up that is on its way.
  const std::lock_guard lock(mutex_);
  if (last <= last_) return;
  last_ = last;
  for (const auto& [subscription, reader] : readers_) {
    if (!kinds || any_begins_with(*kinds, reader.prefix)) reader.wake(last);
  }
}

Seq Feed::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

}  // namespace baton::engine
