// SPDX-License-Identifier: MIT
// The words by which the closed sets of the model appear outside: on the wire, in files, in logs.
#include <array>
#include <span>
#include <string>

#include "base/text.h"
#include "model/booking.h"
#include "model/delivery.h"
#include "model/environment.h"
#include "model/gate.h"
#include "model/lease.h"
#include "model/link.h"
#include "model/run.h"
#include "model/schedule.h"
#include "model/suite.h"
#include "model/token.h"
#include "model/verdict.h"

namespace baton::model {
namespace {

using namespace std::string_view_literals;

// The n-th word belongs to the n-th enumerator.
constexpr std::array<std::string_view, 11> kKinds{"cpp",        "gtest", "catch2", "doctest",
                                                  "ctest",      "pytest", "playwright", "go",
                                                  "tap",        "junit", "command"};
constexpr std::array<std::string_view, 2> kIsolates{"suite", "case"};
constexpr std::array<std::string_view, 3> kSources{"file", "api", "adhoc"};
constexpr std::array<std::string_view, 4> kRunStates{"queued", "waiting", "running", "finished"};
constexpr std::array<std::string_view, 7> kRunVerdicts{
    "", "passed", "failed", "errored", "cancelled", "timed_out", "empty"};
constexpr std::array<std::string_view, 7> kOutcomes{"running", "passed",    "failed",   "errored",
                                                    "skipped", "timed_out", "cancelled"};
constexpr std::array<std::string_view, 9> kCaseVerdicts{
    "pending",   "passed",    "failed", "errored",            "skipped",
    "timed_out", "cancelled", "flaky",  "quarantined_failure"};
constexpr std::array<std::string_view, 5> kEndings{"completed", "timed_out", "cancelled",
                                                   "setup_failed", "errored"};
constexpr std::array<std::string_view, 3> kOverlaps{"skip", "queue", "allow"};
constexpr std::array<std::string_view, 2> kCatchUps{"none", "once"};
constexpr std::array<std::string_view, 4> kScopes{"runner", "viewer", "operator", "admin"};
constexpr std::array<std::string_view, 4> kEnvironmentStates{"enabled", "draining", "maintenance",
                                                             "broken"};
constexpr std::array<std::string_view, 3> kQueuePolicies{"fifo", "newest", "latest_only"};
constexpr std::array<std::string_view, 4> kHookKinds{"reset", "health", "provision", "destroy"};
constexpr std::array<std::string_view, 9> kSlotStates{
    "free",   "held",   "cooling",      "cleaning",  "checking",
    "broken", "absent", "provisioning", "destroying"};
constexpr std::array<std::string_view, 9> kLeaseStates{
    "queued",    "held",       "released", "expired",    "cancelled",
    "timed_out", "superseded", "revoked",  "transferred"};
constexpr std::array<std::string_view, 2> kLeaseModes{"exclusive", "shared"};
constexpr std::array<std::string_view, 3> kLeaseOutcomes{"clean", "dirty", "broken"};
constexpr std::array<std::string_view, 4> kLeaseSources{"api", "legacy", "run", "gate"};
constexpr std::array<std::string_view, 3> kBookingKinds{"booking", "maintenance", "blackout"};

constexpr std::array kGateStates{"pending"sv, "decided"sv, "cancelled"sv, "superseded"sv};
constexpr std::array kGateVerdicts{""sv,        "passed"sv,    "failed"sv,
                                   "errored"sv, "cancelled"sv, "timed_out"sv};
constexpr std::array kVerdictSources{""sv,       "run"sv,     "testkube"sv,
                                     "report"sv, "timeout"sv, "cancel"sv};
constexpr std::array kWhens{"always"sv, "passed"sv, "failed"sv};
constexpr std::array kDeliveryStates{"queued"sv, "delivered"sv, "dead"sv, "skipped"sv};
constexpr std::array kErrorClasses{""sv,          "transient"sv, "throttled"sv,    "auth"sv,
                                   "peer_gone"sv, "rejected"sv,  "misconfigured"sv};
constexpr std::array kStages{"progress"sv, "verdict"sv, "after"sv, "status"sv};
constexpr std::array kLinkKinds{"azure_devops"sv, "gocd"sv,     "github"sv,  "gitlab"sv,
                                "jenkins"sv,      "buildkite"sv, "testkube"sv, "webhook"sv,
                                "flagger"sv,      "argo"sv,     "cloudevents"sv};

template <class E>
std::string_view word(std::span<const std::string_view> words, E value) {
  return words[static_cast<std::size_t>(value)];
}

template <class E>
Result<E> parse(std::span<const std::string_view> words, std::string_view what,
                std::string_view text) {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].empty()) continue;
    if (words[i] == text) return static_cast<E>(i);
    known.emplace_back(words[i]);
  }
  const std::string near = nearest(text, known);
  std::string fix = near.empty() ? "use one of" : fmt::format("did you mean {}? Use one of", near);
  for (const std::string& name : known) fix += " " + name;
  return fail_with_fix(Code::invalid, std::move(fix), "\"{}\" is no {}", text, what);
}

}  // namespace

std::string_view name_of(Kind kind) { return word(kKinds, kind); }
std::string_view name_of(Isolate isolate) { return word(kIsolates, isolate); }
std::string_view name_of(SuiteSource source) { return word(kSources, source); }
std::string_view name_of(RunState state) { return word(kRunStates, state); }
std::string_view name_of(RunVerdict verdict) { return word(kRunVerdicts, verdict); }
std::string_view name_of(Outcome outcome) { return word(kOutcomes, outcome); }
std::string_view name_of(CaseVerdict verdict) { return word(kCaseVerdicts, verdict); }
std::string_view name_of(Ending ending) { return word(kEndings, ending); }
std::string_view name_of(Overlap overlap) { return word(kOverlaps, overlap); }
std::string_view name_of(CatchUp catch_up) { return word(kCatchUps, catch_up); }
std::string_view name_of(Scope scope) { return word(kScopes, scope); }

Result<Kind> parse_kind(std::string_view text) { return parse<Kind>(kKinds, "kind", text); }
Result<Isolate> parse_isolate(std::string_view text) {
  return parse<Isolate>(kIsolates, "way to isolate", text);
}
Result<SuiteSource> parse_suite_source(std::string_view text) {
  return parse<SuiteSource>(kSources, "source of a suite", text);
}
Result<RunState> parse_run_state(std::string_view text) {
  return parse<RunState>(kRunStates, "state of a run", text);
}
Result<RunVerdict> parse_run_verdict(std::string_view text) {
  return parse<RunVerdict>(kRunVerdicts, "verdict of a run", text);
}
Result<Outcome> parse_outcome(std::string_view text) {
  return parse<Outcome>(kOutcomes, "outcome", text);
}
Result<CaseVerdict> parse_case_verdict(std::string_view text) {
  return parse<CaseVerdict>(kCaseVerdicts, "verdict of a case", text);
}
Result<Ending> parse_ending(std::string_view text) {
  return parse<Ending>(kEndings, "ending", text);
}
Result<Overlap> parse_overlap(std::string_view text) {
  return parse<Overlap>(kOverlaps, "rule for overlaps", text);
}
Result<CatchUp> parse_catch_up(std::string_view text) {
  return parse<CatchUp>(kCatchUps, "rule for catching up", text);
}
Result<Scope> parse_scope(std::string_view text) { return parse<Scope>(kScopes, "scope", text); }

std::string_view name_of(EnvironmentState state) { return word(kEnvironmentStates, state); }
Result<EnvironmentState> parse_environment_state(std::string_view text) {
  return parse<EnvironmentState>(kEnvironmentStates, "state of an environment", text);
}
std::string_view name_of(QueuePolicy policy) { return word(kQueuePolicies, policy); }
Result<QueuePolicy> parse_queue_policy(std::string_view text) {
  return parse<QueuePolicy>(kQueuePolicies, "queue policy", text);
}
std::string_view name_of(HookKind kind) { return word(kHookKinds, kind); }
std::string_view name_of(SlotState state) { return word(kSlotStates, state); }
std::string_view name_of(LeaseState state) { return word(kLeaseStates, state); }
Result<LeaseState> parse_lease_state(std::string_view text) {
  return parse<LeaseState>(kLeaseStates, "state of a lease", text);
}
std::string_view name_of(LeaseMode mode) { return word(kLeaseModes, mode); }
Result<LeaseMode> parse_lease_mode(std::string_view text) {
  return parse<LeaseMode>(kLeaseModes, "mode of a lease", text);
}
std::string_view name_of(LeaseOutcome outcome) { return word(kLeaseOutcomes, outcome); }
Result<LeaseOutcome> parse_lease_outcome(std::string_view text) {
  return parse<LeaseOutcome>(kLeaseOutcomes, "outcome of a lease", text);
}
std::string_view name_of(LeaseSource source) { return word(kLeaseSources, source); }
std::string_view name_of(BookingKind kind) { return word(kBookingKinds, kind); }
Result<BookingKind> parse_booking_kind(std::string_view text) {
  return parse<BookingKind>(kBookingKinds, "kind of booking", text);
}


std::string_view name_of(GateState state) { return word(kGateStates, state); }
Result<GateState> parse_gate_state(std::string_view text) {
  return parse<GateState>(kGateStates, "state of a gate", text);
}
std::string_view name_of(GateVerdict verdict) { return word(kGateVerdicts, verdict); }
Result<GateVerdict> parse_gate_verdict(std::string_view text) {
  return parse<GateVerdict>(kGateVerdicts, "verdict of a gate", text);
}
std::string_view name_of(VerdictSource source) { return word(kVerdictSources, source); }
std::string_view name_of(When when) { return word(kWhens, when); }
Result<When> parse_when(std::string_view text) {
  return parse<When>(kWhens, "condition of a delivery", text);
}
std::string_view name_of(DeliveryState state) { return word(kDeliveryStates, state); }
Result<DeliveryState> parse_delivery_state(std::string_view text) {
  return parse<DeliveryState>(kDeliveryStates, "state of a delivery", text);
}
std::string_view name_of(ErrorClass error_class) { return word(kErrorClasses, error_class); }
std::string_view name_of(Stage stage) { return word(kStages, stage); }
std::string_view name_of(LinkKind kind) { return word(kLinkKinds, kind); }
Result<LinkKind> parse_link_kind(std::string_view text) {
  return parse<LinkKind>(kLinkKinds, "kind of link", text);
}

}  // namespace baton::model
