// SPDX-License-Identifier: MIT
#pragma once
// Tables run, run_label and run_text, and the counters that move with a run's state. Every function
// that takes a Tx appends the event of what it did.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/run.h"
#include "store/tx.h"

namespace baton::store {

struct RunRow {
  std::int64_t suite_id = 0;
  model::Run run;
};

/// "run:17", the subject of its events and deadlines, and back (0 when it is none).
std::string run_subject(RunId id);
RunId run_of_subject(std::string_view subject);

/// {"total":3,"passed":2,…} for events.
std::string counts_json(const model::Counts& counts);

struct Load {
  std::int64_t queued = 0;
  std::int64_t running = 0;
};
Result<Load> run_load(Session& session);

/// A new queued run; gives it its id and number.  Errors: limit (`queued_max` runs are queued).
/// Event run.queued.
Result<void> insert_run(Tx& tx, RunRow& row, std::int64_t queued_max);
/// An id for a run to come, which nobody else gets: for what has to be stored before its row.
Result<RunId> reserve_run_id(Tx& tx);
/// A run that ended elsewhere: stored finished, with its counts and verdict, under its reserved id
/// or (0) the next one. The caller adds the cases and then calls announce_finished and index_run.
/// Event run.queued.
Result<void> insert_finished_run(Tx& tx, RunRow& row);
/// Event run.finished.
Result<void> announce_finished(Tx& tx, const RunRow& row);

Result<std::optional<RunRow>> find_run(Session& session, RunId id);
/// By the number within the suite.
Result<std::optional<RunRow>> find_run_by_number(Session& session, std::int64_t suite_id,
                                                 std::int64_t number);
/// The oldest queued run whose suite has room for another one.
Result<std::optional<RunId>> oldest_startable(Session& session);
/// Whether the id was ever given: tells a deleted run from one that never was.
Result<bool> was_run(Session& session, RunId id);
/// Runs in this state (not finished), oldest first, beginning after `after`.
Result<std::vector<RunRow>> runs_in_state(Session& session, model::RunState state, RunId after,
                                          int limit);

/// The lease that the run waits for, or has: run.waiting and run.ready. A waiting run counts as
/// queued but is not started.
Result<void> mark_waiting(Tx& tx, RunRow& row);
Result<void> mark_ready(Tx& tx, RunRow& row);
Result<void> set_lease(Tx& tx, RunRow& row, std::string_view lease);

/// What happened on the run's environment while it ran: a JSON array.
struct RunEnvironment {
  std::int64_t fence = 0;
  std::string events = "[]";
};
Result<void> put_run_environment(Tx& tx, RunId run, const RunEnvironment& environment);
Result<std::optional<RunEnvironment>> run_environment(Session& session, RunId run);

/// queued → running, epoch 1. Events run.started and run.runner_needed.
Result<void> mark_started(Tx& tx, RunRow& row);
/// A new runner shall take over: the next epoch, acked 0. Events run.resumed, run.runner_needed.
Result<void> mark_resumed(Tx& tx, RunRow& row, std::string_view reason);
/// Stores acked, counts and setup_log. Event run.recorded with `data`.
Result<void> mark_recorded(Tx& tx, const RunRow& row, std::string_view data);
/// Stores acked alone: for records that changed nothing else. No event.
Result<void> set_acked(Tx& tx, RunId run, std::int64_t acked);
/// Event run.cancel_requested.
Result<void> mark_cancel_requested(Tx& tx, RunRow& row, std::string_view reason);
/// → finished with the row's verdict, counts and message. Event run.finished.
Result<void> mark_finished(Tx& tx, RunRow& row);
/// Makes the finished run findable by its words and by `failures`, the messages of its attempts.
Result<void> index_run(Tx& tx, const RunRow& row, std::string_view failures);
/// Removes the row, its labels and its words. Event run.deleted with `data`.
Result<void> remove_run(Tx& tx, const RunRow& row, std::string_view data);

/// Whether a run that the schedule started has not ended yet.
Result<bool> has_live_run(Session& session, std::string_view schedule);
/// Finished runs of the suite that retention may delete, oldest first: beyond the newest
/// `keep_last` (0: none is kept for being new) and finished before `before`.
Result<std::vector<RunId>> expired_runs(Session& session, std::int64_t suite_id, int keep_last,
                                        TimePoint before, int limit);

struct RunQuery {
  std::string suite = {};  // "namespace/name", or "name" in every namespace
  std::optional<model::RunState> state = {};
  std::optional<model::RunVerdict> verdict = {};
  std::string reference = {};
  std::vector<std::pair<std::string, std::string>> labels = {};  // all must match
  std::string environment = {};
  std::string schedule = {};
  std::string text = {};  // words of reference, suite, triggered_by, messages; all must match
  std::optional<RunId> before = {};  // the cursor: only runs older than this one
  int limit = 50;
};
struct RunPage {
  std::vector<RunRow> runs;          // newest first
  std::optional<RunId> next_before;  // set when there are more
};
Result<RunPage> list_runs(Session& session, const RunQuery& query);

}  // namespace baton::store
