// SPDX-License-Identifier: MIT
#pragma once
// Reading rows of table run. For run_table.cc and run_query.cc only.
#include <string_view>

#include "store/run_table.h"

namespace baton::store {

/// "SELECT …" of every column that run_of reads, from `r` (run) and `s` (suite), up to " FROM".
inline constexpr std::string_view kRunColumns =
    "SELECT r.id, r.suite_id, s.namespace, s.name, r.number, r.state, r.verdict, r.total, "
    "r.passed, r.failed, r.errored, r.skipped, r.flaky, r.quarantined, r.pending, r.queued_at, "
    "r.started_at, r.finished_at, r.epoch, r.resumes, r.acked, r.cancel_requested, r.reference, "
    "r.triggered_by, r.environment, r.schedule, r.request, r.lease, r.message, r.cancel_reason, "
    "r.setup_log";

Result<RunRow> run_of(const Row& row);
Result<std::vector<RunRow>> runs_of(const Rows& rows);

/// The words of a text as the index knows them: lower case, everything but letters and digits a
/// blank. Both dialects index this form, so that they agree on what a word is.
std::string search_words(std::string_view text);

}  // namespace baton::store
