// SPDX-License-Identifier: MIT
#pragma once
// What the server gives a runner to do: GET /api/v1/runner/runs/{id}/job (docs/formats/runner.md),
// and the cases that `baton exec --discover` prints. Pure.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "model/run.h"
#include "model/suite.h"

namespace baton::wire {

/// What earlier runners of the run did with a case. The server decides what is finished; the
/// runner gives every other case at least one attempt more, numbered after `attempts`.
struct CaseProgress {
  std::string name;
  int attempts = 0;  // numbers 1 to `attempts` are used, interrupted ones included
  int counted = 0;   // how many of them count against max_attempts
  bool finished = false;
};

struct JobLimits {
  std::int64_t spool_bytes = 4LL << 30;     // not acknowledged yet; beyond it tests wait on writing
  std::int64_t artifact_bytes = 1LL << 30;  // of one file
  int artifacts = 1'000;                    // of one attempt, and of the run's own
};

struct Job {
  RunId run{};
  int epoch = 0;
  model::Suite suite;
  model::RunRequest request;
  std::vector<CaseProgress> progress;  // empty for a run that starts afresh
  bool cancel = false;                 // cancelled before the runner came
  std::string cancel_reason;
  /// What is left of the run's time-out; not set: the request's or the suite's, from now.
  std::optional<Duration> time_left;
  std::string environment;  // name of the environment in use, "" for none
  std::map<std::string, std::string> variables;  // further ones for tests: BATON_ENV_<KEY> …
  JobLimits limits;
};

std::string encode_job(const Job& job);
/// Errors: invalid.
Result<Job> decode_job(std::string_view json);

/// True for what `baton run -- CMD` records. A suite of a C++ binary keeps its name there, while
/// its namespace becomes this one.
inline bool is_adhoc(const model::Suite& suite) { return suite.namespace_ == "adhoc"; }

/// The suite alone, for `exec --discover --spec`.
std::string encode_suite_spec(const model::Suite& suite);
/// Errors: invalid.
Result<model::Suite> decode_suite_spec(std::string_view json);

/// What `exec --discover` prints. A cpp binary may hold several suites: each comes with what the
/// binary declares (namespace, name, cases, time-outs …) and with the spec's command and folder.
struct Discovery {
  std::vector<model::Suite> suites;
};
std::string encode_discovery(const Discovery& discovery);
/// Errors: invalid.
Result<Discovery> decode_discovery(std::string_view json);

}  // namespace baton::wire
