// SPDX-License-Identifier: MIT
#pragma once
// Runs, their cases and attempts as JSON (docs/reference/http-api.md). Pure.
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/run.h"
#include "wire/json_writer.h"

namespace baton::wire {

/// The body of POST /runs.  Errors: invalid (unknown field, wrong type, a param's name that cannot
/// become a variable, too many labels or params).
Result<model::RunRequest> parse_run_request(std::string_view body);
/// The same fields where they are part of another request.
class JsonFields;
void read_run_request(JsonFields& fields, model::RunRequest& request);
std::string to_json(const model::RunRequest& request);

void write_run(JsonWriter& out, const model::Run& run);
/// link_base: as JsonWriter has it.
std::string to_json(const model::Run& run, std::string_view link_base = {});
/// Reads what write_run wrote; fields of newer servers are skipped.  Errors: invalid.
Result<model::Run> parse_run(std::string_view json);

/// One item of GET /runs/{id}/tests. `artifacts` may hold those of other attempts too.
void write_case_result(JsonWriter& out, const model::CaseResult& item,
                       std::span<const model::Artifact> artifacts);
/// {attempt,outcome,…}
void write_attempt(JsonWriter& out, const model::Attempt& attempt,
                   std::span<const model::Artifact> artifacts);
/// {path,size,type,test?,attempt?}
void write_artifact(JsonWriter& out, const model::Artifact& artifact);
/// Reads one item of GET /runs/{id}/tests.  Errors: invalid.
Result<model::CaseResult> parse_case_result(std::string_view json);

/// The body of POST /runs/{id}/rerun, which may be empty.
struct RerunRequest {
  bool failed_only = false;
};
Result<RerunRequest> parse_rerun_request(std::string_view body);
/// The body of POST /runs/{id}/cancel, which may be empty: {reason?}.
Result<std::string> parse_cancel_request(std::string_view body);

}  // namespace baton::wire
