// SPDX-License-Identifier: MIT
#pragma once
// Keeps a held lease: renews it at a third of its time from one thread, and hears from the server
// on another when somebody ends it. What is to be done then is the caller's; the calls come from
// these threads. Ends with its destructor, which may wait for an answer under way.
#include <functional>
#include <memory>
#include <string>

#include "client/lease_wait.h"

namespace baton::client {

/// How a lease ended against its holder's will.
struct LostLease {
  std::string state;  // "expired", "revoked", "transferred" …; "" when that is not known
  std::string why;    // one sentence
};

class LeaseKeeper {
 public:
  struct Events {
    std::function<void(const HeldLease& lease)> on_renewed;
    std::function<void(const LostLease& lost)> on_lost;  // at least once
    std::function<void(const Error& error)> on_trouble;  // a renewal failed and is repeated
  };
  LeaseKeeper(Endpoint endpoint, HeldLease lease, Events events);
  ~LeaseKeeper();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::client
