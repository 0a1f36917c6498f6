// SPDX-License-Identifier: MIT
#include "links/testkube_verdict.h"

#include <algorithm>

#include "links/peer.h"
#include "wire/json_writer.h"

namespace baton::links {
namespace {

using model::GateVerdict;

// In a reason; all of them are in Gate::watched.
constexpr std::size_t kNamesMax = 5;
// A test of a load may start hundreds; people read the first.
constexpr std::size_t kWatchedMax = 200;

int badness(GateVerdict verdict) {
  switch (verdict) {
    case GateVerdict::failed: return 3;
    case GateVerdict::errored: return 2;
    case GateVerdict::cancelled: return 1;
    default: return 0;
  }
}

std::string name_of(const TestkubeExecution& execution) {
  return execution.name.empty() ? execution.id : execution.name;
}

std::string cases_of(const TestkubeExecution& execution) {
  if (execution.tests == 0) return {};
  return execution.tests_failed == 0
             ? fmt::format("{} tests", execution.tests)
             : fmt::format("{} of {} tests failed", execution.tests_failed, execution.tests);
}

std::string reason_of(const TestkubeExecution& execution) {
  std::string reason =
      fmt::format("Testkube execution {} {}", name_of(execution), execution.status);
  if (execution.status == "passed" && execution.tests_failed > 0)
    return reason + ", with a warning: " + cases_of(execution);
  if (const std::string cases = cases_of(execution); !cases.empty()) reason += ": " + cases;
  if (!execution.problem.empty() && execution.status != "passed")
    reason += (execution.tests > 0 ? "; " : ": ") + execution.problem;
  return reason;
}

std::string names_of(const std::vector<const TestkubeExecution*>& executions) {
  std::string names;
  for (std::size_t i = 0; i < std::min(executions.size(), kNamesMax); ++i)
    names += (names.empty() ? "" : ", ") + name_of(*executions[i]);
  if (executions.size() > kNamesMax)
    names += fmt::format(" and {} more", executions.size() - kNamesMax);
  return names;
}

std::string reason_of(GateVerdict verdict, std::span<const TestkubeExecution> executions) {
  std::vector<const TestkubeExecution*> such;
  std::vector<const TestkubeExecution*> warned;
  for (const TestkubeExecution& one : executions) {
    if (verdict_of(one) == verdict) such.push_back(&one);
    if (one.status == "passed" && one.tests_failed > 0) warned.push_back(&one);
  }
  std::string reason;
  if (verdict == GateVerdict::passed) {
    reason = fmt::format("all {} Testkube executions passed", executions.size());
  } else {
    reason = fmt::format("{} of {} Testkube executions {}: {}", such.size(), executions.size(),
                         such.front()->status, names_of(such));
    if (!such.front()->problem.empty()) reason += "; " + such.front()->problem;
  }
  if (!warned.empty()) reason += ", with a warning: tests failed in " + names_of(warned);
  return reason;
}

}  // namespace

TestkubeVerdict verdict_of(std::string_view gate, std::span<const TestkubeExecution> executions) {
  TestkubeVerdict verdict{std::string(gate), GateVerdict::passed, ""};
  for (const TestkubeExecution& one : executions)
    if (badness(verdict_of(one)) > badness(verdict.verdict)) verdict.verdict = verdict_of(one);
  verdict.reason = cut_text(executions.size() == 1 ? reason_of(executions.front())
                                                   : reason_of(verdict.verdict, executions),
                            model::kGateReasonMax);
  return verdict;
}

std::string testkube_watched(std::span<const TestkubeExecution> executions, std::string_view group,
                             std::string_view problem) {
  wire::JsonWriter out;
  out.begin_object().key("executions").begin_array();
  for (const TestkubeExecution& one :
       executions.subspan(0, std::min(executions.size(), kWatchedMax)))
    out.begin_object()
        .field("id", one.id)
        .field("name", one.name)
        .field("status", one.status)
        .end_object();
  out.end_array().field_if("group", group).field_if("problem", problem).end_object();
  return out.take();
}

std::vector<TestkubeExecution> parse_testkube_watched(std::string_view watched) {
  std::vector<TestkubeExecution> executions;
  for (const Json& one : Json(watched).objects("executions")) {
    TestkubeExecution execution;
    execution.id = one.text("id");
    execution.name = one.text("name");
    execution.status = one.text("status");
    if (!execution.id.empty()) executions.push_back(std::move(execution));
  }
  return executions;
}

}  // namespace baton::links
