// SPDX-License-Identifier: MIT
#pragma once
// The process trees of the attempts, and how one is ended without a survivor. The supervisor is a
// subreaper: what a test double-forks becomes its child, a "stranger", and is attributed to a tree
// by its session, by the mark in its initial environment, or because only one tree is there. A
// stranger that cannot be attributed while several attempts run is killed when none does.
// Owned by the supervisor, on its thread.
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "runner/loop.h"

namespace baton::runner {

/// In the environment of every test process: the key of the run, by which leftovers of a dead
/// runner are found …
inline constexpr const char* kKeyVariable = "BATON_RUN_KEY";
/// … and "<key>.<serial of the process>", by which a runner tells its own trees apart.
inline constexpr const char* kMarkVariable = "BATON_RUN_MARK";

class Forest {
 public:
  enum class Id : std::uint64_t {};
  /// Reaps the children of this process from now on (SIGCHLD is blocked and read).
  explicit Forest(Loop& loop);
  ~Forest();
  Forest(const Forest&) = delete;
  Forest& operator=(const Forest&) = delete;

  struct Tree {
    pid_t root = 0;          // also its session
    std::string mark;        // value of kMarkVariable that only this tree has, or ""
    bool suite = false;      // serves many attempts (a fork server): strangers are not its own
    bool holds_orphans = false;  // a subreaper itself: whatever is a stranger was left by the dead
    std::function<void(int wait_status)> on_exit;  // of the root; set when it is our own child
  };
  Id plant(Tree tree);
  /// The root is gone (reported by a fork server).
  void root_exited(Id id);

  /// Something of the tree is alive.
  bool alive(Id id);
  /// Sends the signal to every process of the tree.
  void signal(Id id, int signal);
  /// SIGKILLs the tree until nothing of it is alive, forgets it, then calls `done`; at once when
  /// nothing is left. Processes that even SIGKILL does not end are given up after kGiveUp.
  void fell(Id id, std::function<void()> done);
  /// Everything that descends from this process; for the end of the run.
  void fell_all(std::function<void()> done);

 private:
  struct Planted {
    Tree tree;
    bool root_alive = true;
  };
  void reap();
  std::vector<pid_t> strangers();
  bool belongs(pid_t stranger, const Planted& planted);
  std::vector<pid_t> processes_of(const Planted& planted);
  int attempts() const;
  void fell_step(Id id, Instant give_up, std::function<void()> done);
  void fell_all_step(Instant give_up, std::function<void()> done);

  Loop& loop_;
  Fd signals_;
  Loop::Watch watch_{};
  std::uint64_t last_id_ = 0;
  std::map<Id, Planted> trees_;
  std::map<pid_t, Id> children_;  // roots that we reap
};

}  // namespace baton::runner
