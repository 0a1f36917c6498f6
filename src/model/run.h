// SPDX-License-Identifier: MIT
#pragma once
// A run: one execution of a suite, its cases and their attempts. Plain data.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "model/suite.h"

namespace baton::model {

enum class RunState { queued, waiting, running, finished };
enum class RunVerdict { none, passed, failed, errored, cancelled, timed_out, empty };
/// Result of one attempt; `running` until it has one.
enum class Outcome { running, passed, failed, errored, skipped, timed_out, cancelled };
/// Conclusion over the attempts of one case.
enum class CaseVerdict {
  pending, passed, failed, errored, skipped, timed_out, cancelled, flaky, quarantined_failure
};
std::string_view name_of(RunState state);
std::string_view name_of(RunVerdict verdict);  // "" for none
std::string_view name_of(Outcome outcome);
std::string_view name_of(CaseVerdict verdict);
Result<RunState> parse_run_state(std::string_view text);
Result<RunVerdict> parse_run_verdict(std::string_view text);
Result<Outcome> parse_outcome(std::string_view text);
Result<CaseVerdict> parse_case_verdict(std::string_view text);

/// Cases by verdict; the parts add up to `total`. failed counts timed_out too, skipped counts
/// cancelled too.
struct Counts {
  int total = 0, passed = 0, failed = 0, errored = 0, skipped = 0, flaky = 0, quarantined = 0,
      pending = 0;
};

struct Span {
  std::string name;
  TimePoint started_at;
  Duration duration{0};
  std::map<std::string, std::string> context;
};

struct Artifact {
  std::string path;  // relative, checked by check_artifact_path
  std::int64_t size = 0;
  std::string type;  // MIME
  std::string test;  // "" when it belongs to the run
  int attempt = 0;
  std::string digest;  // SHA-256, hexadecimal
};

struct Attempt {
  std::string test;
  int number = 1;
  Outcome outcome = Outcome::running;
  bool soft_failure = false;
  TimePoint started_at;
  Duration duration{0};
  std::string message;
  std::string file;
  int line = 0;
  std::vector<Span> spans;
  std::vector<std::pair<std::string, std::string>> values;
  std::int64_t log_bytes = 0;
  bool interrupted = false;  // errored because its runner was lost: says nothing about the test
};

/// A case within a run with what is known of it so far.
struct CaseResult {
  std::string name;
  CaseVerdict verdict = CaseVerdict::pending;
  bool flaky = false;
  bool quarantined = false;
  std::vector<Attempt> attempts;
};

/// What POST /runs asks for.
struct RunRequest {
  std::string suite;   // "namespace/name", or "name" where that is unique
  std::string filter;  // RE2, unanchored, over case names; "" selects all
  std::vector<std::string> only;  // exact case names (rerun of failures); empty = no restriction
  std::string environment;
  std::string reference;
  std::string triggered_by;
  Labels labels;
  std::map<std::string, std::string> params;
  std::optional<int> max_attempts;
  std::optional<Duration> timeout;
  std::optional<bool> allow_empty;
  std::string revision;
  std::string branch;
  std::string traceparent;
  std::string schedule;           // the schedule that started it, "" otherwise
  std::optional<RunId> rerun_of;
};

struct Run {
  RunId id{};
  std::string namespace_;
  std::string suite;
  RunState state = RunState::queued;
  RunVerdict verdict = RunVerdict::none;
  bool flaky = false;
  Counts counts;
  RunRequest request;
  std::string lease;      // id of the lease it waits for or holds
  TimePoint queued_at;
  std::optional<TimePoint> started_at;
  std::optional<TimePoint> finished_at;
  std::string message;    // why it is errored, cancelled or empty
  std::string setup_log;
  bool cancel_requested = false;
  std::string cancel_reason;
  int epoch = 0;           // counts runners; a runner of an older epoch is refused
  int resumes = 0;         // how often a lost runner was replaced; at most kResumesMax
  std::int64_t acked = 0;  // last record of this epoch's runner that is stored
  std::int64_t number = 0;  // counts within the suite from 1 (legacy routes show it)
};

inline constexpr int kResumesMax = 3;

/// A relative path without empty, "." or ".." parts, NUL, backslash or control bytes; each part at
/// most 255 bytes, 1,000 in all.  Errors: invalid.
Result<void> check_artifact_path(std::string_view path);
/// Names, sizes and ranges of what a caller sends; the filter only by its length (the engine
/// compiles it).  Errors: invalid, with one detail per field.
Result<void> check_run_request(const RunRequest& request);

}  // namespace baton::model
