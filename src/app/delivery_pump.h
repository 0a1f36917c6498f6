// SPDX-License-Identifier: MIT
#pragma once
// Brings deliveries to outside systems: follows the journal for those that are due, and at its
// start takes those that an earlier server left. Each link has threads of its own (as many as are
// needed, at most `per_peer`), so a dead peer delays nobody else. A delivery is never under way
// twice at the same time; after a crash it is brought again.
#include <memory>

#include "api/context.h"

namespace baton::app {

class DeliveryPump {
 public:
  /// `api` has the links, the logs and the artifacts; it outlives the pump.
  DeliveryPump(api::Context& api, int per_peer);
  ~DeliveryPump();  // stops: calls under way are cancelled and brought again by the next server

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::app
