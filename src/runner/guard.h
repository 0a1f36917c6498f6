// SPDX-License-Identifier: MIT
#pragma once
// Watches one process tree from its start to its last process: time-out, the polite SIGTERM, the
// grace, SIGKILL for all of it, and the leftovers of a root that ended by itself.
// On the supervisor's thread.
#include <functional>
#include <optional>
#include <string>

#include "base/time.h"
#include "model/run.h"
#include "runner/forest.h"
#include "runner/loop.h"

namespace baton::runner {

class Guard {
 public:
  /// `on_dead`: the root has exited and nothing of its tree is alive; called once.
  Guard(Loop& loop, Forest& forest, Duration grace, std::function<void()> on_dead);
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  /// The tree exists. A stop that came before takes effect now.
  void planted(Forest::Id tree);
  /// Stops it as timed out after so long from now; 0: never. Replaces an earlier limit.
  void limit(Duration time);
  /// Ends the tree: the first outcome stays. timed_out, cancelled or errored. `grace` instead of
  /// the usual one.
  void stop(model::Outcome outcome, std::optional<Duration> grace = {});
  /// The root has exited with this wait status.
  void exited(int wait_status);

  /// Called when a stopped tree is still not reported dead long after its SIGKILL.
  void on_stuck(std::function<void(std::string state)> handler) { on_stuck_ = std::move(handler); }

  std::optional<model::Outcome> stopped() const { return stopped_; }
  std::optional<int> status() const { return status_; }

 private:
  void kill();
  void wait_for_rest();

  Loop& loop_;
  Forest& forest_;
  Duration grace_;
  std::function<void()> on_dead_;
  std::function<void(std::string)> on_stuck_;
  std::optional<Forest::Id> tree_;
  std::optional<Loop::Timer> limit_;
  std::optional<Loop::Timer> timer_;
  std::optional<Loop::Timer> stuck_timer_;
  std::optional<model::Outcome> stopped_;
  std::optional<int> status_;
  Instant kill_at_{};
  bool killing_ = false;
  bool felled_ = false;
};

}  // namespace baton::runner
