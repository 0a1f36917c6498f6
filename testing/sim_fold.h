// SPDX-License-Identifier: MIT
#pragma once
// The state of a server, computed from its journal alone, and the promises that can be checked on
// the way: a run has one verdict, a finished attempt never changes, no run overtakes another, the
// limit holds. compare() then asks whether the tables say the same. Used by the simulation.
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/ids.h"
#include "model/event.h"
#include "model/run.h"
#include "store/session.h"

namespace baton::sim {

struct FoldAttempt {
  std::string outcome = "running";
  bool interrupted = false;
};
struct FoldCase {
  std::string verdict = "pending";
  std::map<int, FoldAttempt> attempts;
};
struct FoldRun {
  std::string suite;
  std::string state = "queued";
  std::string verdict;
  int epoch = 0;
  int resumes = 0;
  bool cancel_requested = false;
  std::map<std::string, FoldCase> cases;
};

class Fold {
 public:
  /// suite_limits: full name → runs at the same time; suites that are not there have none.
  Fold(std::int64_t running_max, std::map<std::string, int> suite_limits)
      : running_max_(running_max), suite_limits_(std::move(suite_limits)) {}

  /// What is wrong with this event after those before it; "" when nothing is.
  std::string apply(const model::Event& event);

  /// What of the tables differs from the journal, for one run or for the numbers of all.
  std::string compare_run(store::Session& session, RunId id) const;
  std::string compare_counters(store::Session& session) const;
  /// Deadlines whose subject does not live, and live runs without one.
  std::string check_deadlines(store::Session& session) const;

  const std::map<std::int64_t, FoldRun>& runs() const { return runs_; }
  std::int64_t running() const { return running_; }
  /// Runs that events touched since the last call.
  std::set<std::int64_t> take_touched() { return std::exchange(touched_, {}); }

 private:
  std::string apply_run(const model::Event& event, std::int64_t id);
  std::string start(FoldRun& run, std::int64_t id);
  std::string record(FoldRun& run, std::string_view data);
  std::string finish(FoldRun& run, std::string_view data);

  std::int64_t running_max_;
  std::map<std::string, int> suite_limits_;
  std::map<std::int64_t, FoldRun> runs_;
  std::map<std::string, int> running_of_;
  std::set<std::string> schedules_;
  std::int64_t running_ = 0;
  std::int64_t last_id_ = 0;
  std::set<std::int64_t> touched_;
};

}  // namespace baton::sim
