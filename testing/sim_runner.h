// SPDX-License-Identifier: MIT
#pragma once
// A runner of the simulation: it makes the records that a real one would send for a small plan of
// cases, keeps what is not acknowledged, repeats it when the answer is lost, and hands its spool to
// its successor when it dies. It draws all its decisions from the generator it is given.
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/ids.h"
#include "engine/record_ops.h"
#include "model/record.h"

namespace baton::sim {

class SimRunner {
 public:
  SimRunner(RunId run, int epoch) : run_(run), epoch_(epoch) {}

  RunId run() const { return run_; }
  int epoch() const { return epoch_; }
  bool claimed() const { return claimed_; }
  /// Nothing is left to do or to say.
  bool done() const { return ended_ && unacked_.empty(); }

  /// What its predecessor had spooled; to be sent before the job is claimed.
  void inherit(std::vector<model::RecordBody> spool);
  std::vector<model::RecordBody> spool() const;

  void take(const engine::Job& job, Ids& random);
  /// Makes progress: some records are added to what is not acknowledged.
  void work(Ids& random, TimePoint wall);
  void cancel(TimePoint wall);
  const std::vector<model::Record>& unacked() const { return unacked_; }
  void acked(std::int64_t seq);

 private:
  struct Todo {
    std::string name;
    int attempt = 1;     // the next one
    int left = 1;        // attempts that max_attempts still allows
    bool under_way = false;
  };
  void say(model::RecordBody body);
  void end(model::Ending ending, TimePoint wall);

  RunId run_;
  int epoch_;
  bool claimed_ = false;
  bool ended_ = false;
  std::int64_t next_seq_ = 1;
  std::deque<Todo> todo_;
  std::vector<model::Record> unacked_;
};

}  // namespace baton::sim
