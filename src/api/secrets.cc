// SPDX-License-Identifier: MIT
#include "api/secrets.h"

namespace baton::api {
namespace {

// A caller repeats within seconds; nobody makes a thousand tokens in that time.
constexpr std::size_t kRememberedMax = 1'000;

}  // namespace

void RecentSecrets::remember(const std::string& token_id, std::string secret) {
  const std::lock_guard lock(mutex_);
  secrets_[token_id] = std::move(secret);
  order_.push_back(token_id);
  if (order_.size() <= kRememberedMax) return;
  secrets_.erase(order_.front());
  order_.pop_front();
}

std::string RecentSecrets::find(const std::string& token_id) const {
  const std::lock_guard lock(mutex_);
  const auto it = secrets_.find(token_id);
  return it != secrets_.end() ? it->second : "";
}

void RecentSecrets::forget(const std::string& token_id) {
  const std::lock_guard lock(mutex_);
  secrets_.erase(token_id);
}

}  // namespace baton::api
