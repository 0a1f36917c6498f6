// SPDX-License-Identifier: MIT
#pragma once
// Runs the hooks of environments: what resets, checks, makes and destroys their slots. Follows the
// journal, and at its start the slots that an earlier server left in such a state, so a hook is run
// at least once; two hooks of one slot never run at the same time.
#include <memory>
#include <string>

#include "engine/feed.h"
#include "engine/rules.h"
#include "engine/writer.h"
#include "store/store.h"

namespace baton::app {

/// In the environment of a hook: the key of the server, by which what a dead one left is found.
inline constexpr const char* kHookKeyVariable = "BATON_HOOK_KEY";
/// Hooks under way at the same time; others wait.
inline constexpr int kHooksAtOnce = 8;

class SlotHooks {
 public:
  /// key: of this server, kept over restarts. The references outlive it.
  SlotHooks(std::string key, const engine::Rules& rules, store::Store& store, engine::Feed& feed,
            engine::Writer& writer);
  ~SlotHooks();  // stops: kills the hooks that run; the next server runs them again

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::app
