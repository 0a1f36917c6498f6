// SPDX-License-Identifier: MIT
#pragma once
// Runs that happened elsewhere: their report becomes a finished run in one step.
#include <optional>
#include <string>
#include <vector>

#include "engine/writer.h"
#include "model/run.h"

namespace baton::engine {

/// The id that the next import shall have (ImportedReport::id), so that its logs can be stored
/// first.
Result<RunId> reserve_run(Context& context);

struct ImportedReport {
  RunId id{};                 // reserved before, or 0
  model::RunRequest request;  // the suite is made (ad hoc, namespace "default") when it is unknown
  std::vector<model::CaseResult> cases;  // their verdicts are computed here
  std::optional<TimePoint> started_at;   // not set: as long before now as the attempts took
  Duration duration{0};
  std::string errored;  // why the run is errored whatever its cases say (a bail-out, a short plan)
};

/// Result: the finished run.
/// Errors: invalid (names, the request), too_large (more than model::kCasesMax cases).
Result<model::Run> import_report(Context& context, const ImportedReport& report);

}  // namespace baton::engine
