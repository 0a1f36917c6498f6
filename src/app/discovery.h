// SPDX-License-Identifier: MIT
#pragma once
// Finds out which cases suites have: asks the runner (`exec --discover`) in a process of its own,
// one suite at a time, at the start of the server and whenever a suite is declared anew, and
// submits what it says. A suite that cannot be asked keeps its known cases and shows why. One
// thread.
#include <memory>

#include "app/programs.h"
#include "engine/feed.h"
#include "engine/writer.h"

namespace baton::app {

class Discovery {
 public:
  /// The references outlive it.
  Discovery(RunnerProgram runner, store::Store& store, engine::Feed& feed,
            engine::Writer& writer);
  ~Discovery();  // stops; kills the process that is being asked
  void start();
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::app
