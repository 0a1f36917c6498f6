// SPDX-License-Identifier: MIT
#pragma once
// Which attempt comes next: every case once in order, then the retries, each after its back-off.
// Pure: time is an argument. Owned by the supervisor.
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "model/run.h"
#include "model/suite.h"
#include "runner/loop.h"
#include "wire/job.h"

namespace baton::runner {

/// One attempt that may start.
struct Turn {
  std::size_t index = 0;  // of the case
  int attempt = 1;
};

class Schedule {
 public:
  /// `max_attempts` applies to cases that do not say otherwise.
  Schedule(int max_attempts, Duration back_off);

  /// Known already: its index. `progress`: what earlier runners did with it; finished cases never
  /// get a turn.
  std::size_t add(model::Case item, const wire::CaseProgress* progress);
  /// A case that is found while it already runs, at its first attempt: no turn is made for it.
  std::size_t add_running(model::Case item);
  /// The index of a case, if it is known.
  std::optional<std::size_t> find(const std::string& name) const;
  const model::Case& at(std::size_t index) const { return entries_[index].item; }
  std::size_t size() const { return entries_.size(); }

  /// The next attempt that may start now.
  std::optional<Turn> take(Instant now);
  /// When the earliest waiting retry is ready, if only retries are left.
  std::optional<Instant> next_ready() const;
  /// Gives a turn back that was not used: it comes next again.
  void give_back(const Turn& turn);
  /// An attempt has ended. Result: no further attempt of the case will come.
  bool ended(const Turn& turn, model::Outcome outcome, Instant now);
  /// An attempt that ended for no fault of the case (its process was stopped because of another
  /// case): it is tried again and does not count.
  void interrupted(const Turn& turn, Instant now);
  /// Nothing waits and nothing may come.
  bool empty() const { return first_.empty() && retries_.empty(); }

 private:
  struct Entry {
    model::Case item;
    int counted = 0;  // attempts that count against the maximum
  };
  Duration back_off_before(int counted) const;

  int max_attempts_;
  Duration back_off_;
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t> by_name_;
  std::deque<Turn> first_;
  std::multimap<Instant, Turn> retries_;
};

}  // namespace baton::runner
