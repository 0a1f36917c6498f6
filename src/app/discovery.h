// SPDX-License-Identifier: MIT
#pragma once
// Finds out which cases suites have: asks the runner (`exec --discover`) in a process of its own,
// one suite at a time, at the start of the server and whenever a suite is declared anew, and submits
// what it says. A suite that cannot be asked keeps its known cases and shows why. One thread.
#include <memory>
#include <string>
#include <vector>

#include "engine/feed.h"
#include "engine/writer.h"
#include "store/store.h"

namespace baton::app {

struct DiscoveryOptions {
  std::string program;            // knows the runner's verb
  std::vector<std::string> verb;  // {"exec"}
};

class Discovery {
 public:
  /// The references outlive it.
  Discovery(DiscoveryOptions options, store::Store& store, engine::Feed& feed,
            engine::Writer& writer);
  ~Discovery();  // stops; kills the process that is being asked
  void start();
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::app
