// SPDX-License-Identifier: MIT
#pragma once
// Brings the logs of the executions of one Testkube into the logs of the gates that wait for them:
// as streams, of which a limited number is open at once; for the others, and for what a stream did
// not bring, from the whole log after the end. Its threads block in calls of the peer; whoever owns
// it calls from one thread.
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "links/testkube_round.h"
#include "model/gate.h"
#include "model/link.h"

namespace baton::app {

/// Each is a connection and a thread here, and a watch of a pod there.
inline constexpr int kTestkubeStreamsMax = 16;

class TestkubeLogs {
 public:
  struct Parts {
    const model::LinkProfile& profile;
    /// Errors: not_found, conflict, gone: the gate takes no more.
    std::function<Result<void>(const std::string& gate, std::string_view text)> append;
    std::function<void(const std::string& execution)> on_text;
    std::function<void()> on_complete;  // of some log
  };
  explicit TestkubeLogs(Parts parts);
  ~TestkubeLogs();  // cancels what is under way

  /// The gate may get a log from now on; what it has of one execution, by Gate::watched, is not
  /// given again.
  void open(const model::Gate& gate);
  void close(const std::string& gate);
  /// Which executions the open gates wait for now. An execution that has finished is given a few
  /// seconds to end its stream.
  void want(const std::vector<links::TestkubeWanted>& wanted);

  /// Everything that it wants is there.
  bool is_complete(const std::string& gate) const;
  /// Whose streams are open.
  std::set<std::string> followed() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::app
