// SPDX-License-Identifier: MIT
#pragma once
// What a runner reports about a run, in order: the records of one epoch. Plain data.
// The operation apply_records (engine/record_ops.h) turns them into rows; the bytes of output go to
// the blob store and are not here.
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "model/run.h"
#include "model/suite.h"
#include "model/verdict.h"

namespace baton::model {

/// The selected cases in order; comes before anything else, and again after a resume.
struct PlanRecord {
  std::vector<Case> cases;
};

/// The suite's setup has ended.
struct SetupRecord {
  Outcome outcome = Outcome::passed;
  std::string message;
  Duration duration{0};
  TimePoint at;
};

struct AttemptStarted {
  std::string test;
  int attempt = 1;
  TimePoint at;
};

struct AttemptFinished {
  std::string test;
  int attempt = 1;
  Outcome outcome = Outcome::passed;
  bool soft_failure = false;
  TimePoint at;  // of its end
  Duration duration{0};
  std::string message;
  std::string file;
  int line = 0;
  std::vector<Span> spans;
  std::vector<std::pair<std::string, std::string>> values;
  std::int64_t log_bytes = 0;
  bool final_ = true;  // no further attempt of this case will come
};

/// The bytes are in the blob store already.
struct ArtifactRecord {
  Artifact artifact;
};

/// The last record of a run.
struct FinishedRecord {
  Ending ending = Ending::completed;
  std::string message;
  TimePoint at;
};

/// std::monostate stands for output: nothing to do but to acknowledge its seq.
using RecordBody = std::variant<std::monostate, PlanRecord, SetupRecord, AttemptStarted,
                                AttemptFinished, ArtifactRecord, FinishedRecord>;

/// seq: from 1 for each epoch, rising by 1.
struct Record {
  std::int64_t seq = 0;
  RecordBody body;
};

/// What earlier runners of a run did with a case.
struct CaseProgress {
  std::string name;
  int attempts = 0;  // numbers 1 to `attempts` are used, interrupted ones included
  int counted = 0;   // how many of them count against max_attempts (counted_attempts)
  bool finished = false;
};

}  // namespace baton::model
