// SPDX-License-Identifier: MIT
#pragma once
// The local executor: gives every run that needs a runner one on this machine, notices when a
// runner has ended without ending its run, and finds the runners of an earlier server again. A
// reader of the journal with a cursor of its own: it reacts to run.runner_needed and submits
// operations; it never touches a row itself. One thread. Made by the composition root.
#include <memory>
#include <string>
#include <vector>

#include "engine/feed.h"
#include "engine/rules.h"
#include "engine/writer.h"
#include "store/store.h"

namespace baton::executors {

struct LocalOptions {
  std::string program;            // what to start: knows the runner's verb
  std::vector<std::string> verb;  // {"exec"}
  std::string folder;             // <data>/runners
  std::string address_file;       // <data>/server.json
  engine::Rules rules;
};

class Local {
 public:
  /// The references outlive it.
  Local(LocalOptions options, store::Store& store, engine::Feed& feed, engine::Writer& writer);
  ~Local();  // stops; the runners go on
  void start();
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::executors
