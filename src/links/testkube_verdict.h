// SPDX-License-Identifier: MIT
#pragma once
// What executions of Testkube mean for the gate that waits for them. Pure.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "links/testkube_api.h"
#include "model/gate.h"

namespace baton::links {

struct TestkubeVerdict {
  std::string gate;
  model::GateVerdict verdict = model::GateVerdict::none;
  std::string reason;
  /// False: its executions have not finished, and whether their logs ever do nobody knows.
  bool has_whole_log = true;
};

/// Of executions that have all finished: the worst of them; a failure is worse than an error of
/// the infrastructure, because somebody has to look at it. One that passed although reports of it
/// have failures passes, and the reason warns.
TestkubeVerdict verdict_of(std::string_view gate, std::span<const TestkubeExecution> executions);

/// {"executions":[{"id","name","status"}],"group"?,"problem"?}: Gate::watched.
std::string testkube_watched(std::span<const TestkubeExecution> executions, std::string_view group,
                             std::string_view problem);
/// The executions that an earlier server wrote there: id, name and status.
std::vector<TestkubeExecution> parse_testkube_watched(std::string_view watched);

}  // namespace baton::links
