// SPDX-License-Identifier: MIT
#pragma once
// The hooks of an embedding program: a reader of the journal that calls them after each stored
// result, one thread for the ordered ones and a small pool for the others. A hook can neither
// change nor delay a result; what it adds to the context goes through an operation of its own.
#include <baton/server.h>

#include <functional>
#include <memory>
#include <vector>

#include "engine/feed.h"
#include "engine/writer.h"
#include "store/store.h"

namespace baton::app {

template <class Event>
struct HookEntry {
  std::function<void(const Event&, HookContext)> call;
  bool async = false;
};

struct Hooks {
  std::vector<HookEntry<TestFinished>> tests;
  std::vector<HookEntry<SuiteFinished>> suites;
  bool empty() const { return tests.empty() && suites.empty(); }
};

class HookRunner {
 public:
  /// Follows the journal from its present end. The references outlive it.
  HookRunner(Hooks hooks, store::Store& store, engine::Feed& feed, engine::Writer& writer);
  ~HookRunner();  // stops: waits for the hook that is running, drops those that wait

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace baton::app
