// SPDX-License-Identifier: MIT
#pragma once
// Tells the waiter of a lease that named an address (`notify.url`) that it was granted: a POST of
// {"event":"lease.granted","lease":ID,"fence":N}. The waiter then has its claim window to look at
// the lease. Each is tried a few times; nothing depends on it, so nothing of it is stored.
#include <memory>

#include "engine/feed.h"
#include "store/store.h"

namespace baton::app {

class LeaseNotifier {
 public:
  /// Follows the journal from its present end. The references outlive it.
  LeaseNotifier(store::Store& store, engine::Feed& feed);
  ~LeaseNotifier();  // stops: what is under way is cancelled

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::app
