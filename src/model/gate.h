// SPDX-License-Identifier: MIT
#pragma once
// A gate: a question of a pipeline, "may I go on?", that is answered once, later. It has a subject
// that is tested, a deadline with a verdict for it, and deliveries that bring the answer to those
// who wait. Plain data and checks.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "model/link.h"
#include "model/run.h"

namespace baton::model {

/// All but pending are ends. superseded: a newer gate of its key took its place.
enum class GateState { pending, decided, cancelled, superseded };
std::string_view name_of(GateState state);
Result<GateState> parse_gate_state(std::string_view text);

/// none until it is decided. Peers that know only yes and no are told `passed` or failed.
enum class GateVerdict { none, passed, failed, errored, cancelled, timed_out };
std::string_view name_of(GateVerdict verdict);  // "" for none
Result<GateVerdict> parse_gate_verdict(std::string_view text);

/// Whose verdict it is: of the run, of the Testkube execution, of whoever posted one, of the
/// deadline, of whoever cancelled the gate.
enum class VerdictSource { none, run, testkube, report, timeout, cancel };
std::string_view name_of(VerdictSource source);  // "" for none

/// What a gate asks about. external: somebody posts the verdict. run: one that exists. suite: a run
/// that the gate starts. testkube: executions of a Testkube.
enum class SubjectKind { external, run, suite, testkube };

/// Exactly one of tag, workflow and execution.
struct TestkubeSubject {
  std::string profile;    // of links.testkube
  std::string tag;        // "key=value": the newest execution with it, or all of them
  std::string workflow;   // is started, and all of its group are waited for
  std::string execution;  // an id
  bool all = false;       // with a tag: every execution that has it, not only the newest
  std::map<std::string, std::string> config;  // given to a workflow
};

struct Subject {
  SubjectKind kind = SubjectKind::external;
  RunId run{};       // of a run, and of a suite once it is started
  RunRequest suite;  // of a suite
  TestkubeSubject testkube;
};

/// Which verdicts a delivery is for; failed means every other than passed.
enum class When { always, passed, failed };
std::string_view name_of(When when);
Result<When> parse_when(std::string_view text);

/// The deliveries of one gate to one link go out in this order: what shows progress while the gate
/// is open, then the verdict, then what may follow it. status: shows progress, and then the verdict
/// itself; once it has shown something it is also told that the gate was superseded.
enum class Stage { progress, verdict, after, status };
std::string_view name_of(Stage stage);

/// Whom a verdict is brought to, and how: an operation of a link, with its fields.
struct Target {
  std::string link;     // "gocd/main"
  std::string op;       // "run_stage"; "" for what the link does without being told (webhook)
  std::string fields = "{}";  // of the operation, a JSON object; links/ knows them
  When when = When::always;
  Stage stage = Stage::verdict;  // follows from link and op
};

inline constexpr Duration kGateTimeoutDefault = std::chrono::hours{1};
inline constexpr Duration kGateTimeoutMax = std::chrono::hours{24 * 31};
inline constexpr std::size_t kTargetsMax = 20;
inline constexpr std::size_t kGateReasonMax = 4'000;

struct GateRequest {
  std::string name;
  std::string key;  // a newer gate of the same key supersedes the older one; "" = none
  Subject subject;
  std::optional<Duration> timeout;
  bool pass_on_timeout = false;
  std::vector<Target> deliver;
  std::string environment;  // a lease of it is held while the gate is open; "" = none
  Labels labels;
};

struct Gate {
  std::string id;
  std::int64_t seq = 0;  // order of opening
  GateState state = GateState::pending;
  GateVerdict verdict = GateVerdict::none;
  VerdictSource source = VerdictSource::none;
  std::string reason;
  std::string url;  // where people find more, as told with the verdict
  GateRequest request;
  std::string link;   // "azure_devops/corp" when an inbound call opened it
  std::string ident;  // what makes that call the same when it is repeated
  std::string lease;  // of request.environment
  std::string opened_by;
  TimePoint created_at;  // wall clock, as all
  TimePoint deadline_at;
  std::optional<TimePoint> decided_at;  // when it ended, whatever the end
  std::int64_t log_bytes = 0;
  std::int64_t posted_bytes = 0;  // of them; the others are of the executions of its subject
  std::string watched = "{}";  // what the watcher of its subject notes: a JSON object
};

/// Texts, labels, targets, time-out, subject.  Errors: invalid with one detail per field.
Result<void> check_gate_request(const GateRequest& request);

/// The verdict that follows from a run's. A run without cases has proved nothing.
GateVerdict gate_verdict_of(RunVerdict verdict);

}  // namespace baton::model
