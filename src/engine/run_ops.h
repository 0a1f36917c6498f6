// SPDX-License-Identifier: MIT
#pragma once
// Operations on runs as callers ask for them: start, cancel, rerun, delete. Each is one step of the
// writer; reading functions take any session.
#include <string>
#include <string_view>

#include "engine/rules.h"
#include "engine/writer.h"
#include "store/run_table.h"
#include "store/suite_table.h"

namespace baton::engine {

/// "namespace/name", or "name" where that is unique among the declared suites.
/// Errors: not_found (with the nearest name as advice), invalid (the name is not unique).
Result<store::SuiteRef> resolve_suite(store::Session& session, std::string_view suite);

/// RE2 syntax, unanchored; "" is fine.  Errors: invalid, with the position's text.
Result<void> check_filter(std::string_view filter);

/// True when the suite's cases are known and the filter selects none of them. start_run accepts
/// such a filter all the same (cases may have been added since); legacy routes refuse it. Errors:
/// as resolve_suite and check_filter.
Result<bool> selects_nothing(store::Session& session, std::string_view suite,
                             std::string_view filter);

/// Queues a run, and starts it when the limits have room. The result is the run as it was queued.
/// Errors: not_found, invalid (see resolve_suite, check_filter, check_run_request),
/// limit (Rules::queued_runs).
Result<model::Run> start_run(Context& context, const Rules& rules, model::RunRequest request);

/// A queued run ends at once; a running one is told to (state stays running until its runner says
/// so or Rules::cancel_grace is over). Repeating it is harmless. Errors: not_found, gone (deleted),
/// conflict (it has finished otherwise).
Result<model::Run> cancel_run(Context& context, const Rules& rules, RunId run,
                              std::string_view reason);

/// The same request again, for a run that has finished. failed_only: exactly the cases that did not
/// pass, or never ran because of that.
/// Errors: not_found, gone, conflict (not finished; or failed_only and nothing failed), and those
/// of start_run.
Result<model::Run> rerun(Context& context, const Rules& rules, RunId run, bool failed_only,
                         std::string_view triggered_by);

/// Removes a finished run with all that is stored of it. Its event run.deleted names what the blob
/// store may forget.  Errors: not_found, gone, conflict (not finished).
Result<void> delete_run(Context& context, RunId run);

/// The run.  Errors: not_found (never existed), gone (deleted).
Result<store::RunRow> get_run(store::Session& session, RunId run);

}  // namespace baton::engine
