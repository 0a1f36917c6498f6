// SPDX-License-Identifier: MIT
#include "app/delivery_queue.h"

#include <algorithm>
#include <utility>

namespace baton::app {

void DeliveryQueue::add(const Item& item) {
  if (under_way_.contains(item.id)) {
    const auto again = again_.emplace(item.id, item.is_progress).first;
    again->second = again->second && item.is_progress;
    return;
  }
  const auto [waits, is_new] = waiting_.emplace(item.id, item.is_progress);
  if (!is_new) {
    const bool becomes_urgent = waits->second && !item.is_progress;
    if (!becomes_urgent) return;
    std::erase(progress_, item.id);
    waits->second = false;
  }
  (item.is_progress ? progress_ : urgent_).push_back(item.id);
}

bool DeliveryQueue::has_next() const {
  return !urgent_.empty() || (!progress_.empty() && progress_under_way_ < progress_max_);
}

std::optional<DeliveryQueue::Item> DeliveryQueue::take() {
  if (!has_next()) return {};
  const bool is_progress = urgent_.empty();
  auto& queue = is_progress ? progress_ : urgent_;
  Item item{std::move(queue.front()), is_progress};
  queue.pop_front();
  waiting_.erase(item.id);
  under_way_.insert(item.id);
  if (is_progress) ++progress_under_way_;
  return item;
}

void DeliveryQueue::done(const Item& item, bool once_more) {
  under_way_.erase(item.id);
  if (item.is_progress) --progress_under_way_;
  if (const auto again = again_.extract(item.id)) {
    add({item.id, again.mapped()});
  } else if (once_more) {
    add(item);
  }
}

}  // namespace baton::app
