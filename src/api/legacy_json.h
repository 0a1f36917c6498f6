// SPDX-License-Identifier: MIT
#pragma once
// Bodies of the legacy routes, with handoff's field names (docs/reference/legacy-routes.md): ids
// count within the suite, results are pending, skipped, passed or failed, times are RFC 3339 or
// null.
#include <functional>
#include <string>
#include <vector>

#include "model/run.h"
#include "model/schedule.h"
#include "model/suite.h"
#include "wire/json_writer.h"

namespace baton::api {

/// What an attempt printed; gives "" where the answer leaves logs out.
using LogOf = std::function<std::string(const std::string& test, int attempt)>;

struct LegacyRun {
  const model::Run& run;
  const model::Suite& suite;
  std::vector<model::CaseResult> cases;
  std::string environment;  // of the server, when the run has none
};

/// The label under which a run remembers its legacy Idempotency-Key.
inline constexpr const char* kLegacyKeyLabel = "idempotency_key";

void write_legacy_suite(wire::JsonWriter& out, const model::Suite& suite);
/// Cases that the filter left out appear as skipped, those not planned yet as pending.
void write_legacy_run(wire::JsonWriter& out, const LegacyRun& item, const LogOf& log_of);
/// One object per attempt.
void write_legacy_attempts(wire::JsonWriter& out, const LegacyRun& item,
                           const model::CaseResult& result, const LogOf& log_of);
void write_legacy_schedule(wire::JsonWriter& out, const model::Schedule& schedule);

/// Whether the filter (RE2, unanchored) selects the name; a bad filter selects nothing.
bool filter_selects(const std::string& filter, const std::string& name);

}  // namespace baton::api
