// SPDX-License-Identifier: MIT
#pragma once
// The thread that watches one Testkube for its gates: reads which are pending, lets a TestkubeRound
// ask the peer, writes what was seen, and the verdicts once the logs are there. It sleeps while no
// gate is pending. What fails to be written is written later; what fails to be asked, asked again.
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/rules.h"
#include "engine/writer.h"
#include "model/link.h"
#include "store/store.h"

namespace baton::app {

/// The bytes of what executions print, for a gate's log. Errors: not_found, conflict, gone: the
/// gate takes no more; others: it is tried again. Called from several threads, for one gate one
/// after the other.
using AppendGateLog = std::function<Result<void>(const std::string& gate, std::string_view text)>;

class TestkubePoller {
 public:
  struct Parts {
    store::Store& store;
    engine::Writer& writer;
    const engine::Rules& rules;
    model::LinkProfile profile;
    AppendGateLog append;
    engine::Writer::Clock clock;
  };
  /// References outlive it.
  explicit TestkubePoller(Parts parts);
  ~TestkubePoller();  // stops: cancels what is under way

  const std::string& name() const;
  /// Of its gates: store::watcher_of.
  const std::string& watcher() const;
  /// Gates were opened, or have ended. Any thread.
  void gates_changed();
  /// Something is said to have happened to the execution; "" means to any. Any thread.
  void look_again(const std::string& execution);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::app
