// SPDX-License-Identifier: MIT
#include "store/run_table.h"

#include <charconv>

#include "base/text.h"
#include "store/row_json.h"
#include "store/run_rows.h"

namespace baton::store {
namespace {

constexpr auto kFinished = static_cast<std::int64_t>(model::RunState::finished);

std::string select_run(std::string_view where) {
  return fmt::format("{} FROM run r JOIN suite s ON s.id = r.suite_id WHERE {}", kRunColumns,
                     where);
}

Value ms_or_null(const std::optional<TimePoint>& t) {
  return t ? Value{to_ms(*t)} : Value{std::monostate{}};
}

Result<std::optional<RunRow>> one(const Rows& rows) {
  if (rows.empty()) return std::optional<RunRow>{};
  BATON_TRY(row, run_of(rows[0]));
  return std::optional{std::move(row)};
}

// Everything of an insertion but the counters, which differ between a queued and a finished run.
Result<void> insert_row(Tx& tx, RunRow& row) {
  model::Run& run = row.run;
  const model::RunRequest& request = run.request;
  const model::Counts& c = run.counts;
  BATON_TRY(tally, tx.sql().query("UPDATE suite_tally SET number = number + 1, last_run = ?, "
                                  "queued = queued + ? WHERE suite_id = ? RETURNING number",
                                  {raw(run.id), run.state == model::RunState::queued ? 1L : 0L,
                                   row.suite_id}));
  run.number = tally.at(0).integer(0);
  BATON_TRY_VOID(tx.sql().exec(
      "INSERT INTO run (id, suite_id, number, state, verdict, total, passed, failed, errored, "
      "skipped, flaky, quarantined, pending, queued_at, started_at, finished_at, epoch, resumes, "
      "acked, cancel_requested, reference, triggered_by, environment, schedule, request, lease, "
      "message, cancel_reason, setup_log) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
      "0, 0, 0, 0, ?, ?, ?, ?, ?, '', ?, '', '')",
      {raw(run.id),
       row.suite_id,
       run.number,
       static_cast<std::int64_t>(run.state),
       static_cast<std::int64_t>(run.verdict),
       std::int64_t{c.total},
       std::int64_t{c.passed},
       std::int64_t{c.failed},
       std::int64_t{c.errored},
       std::int64_t{c.skipped},
       std::int64_t{c.flaky},
       std::int64_t{c.quarantined},
       std::int64_t{c.pending},
       to_ms(run.queued_at),
       ms_or_null(run.started_at),
       ms_or_null(run.finished_at),
       request.reference,
       request.triggered_by,
       request.environment,
       request.schedule,
       encode_request(request),
       run.message}));
  for (const auto& [name, value] : request.labels)
    BATON_TRY_VOID(tx.sql().exec("INSERT INTO run_label (name, value, run_id) VALUES (?, ?, ?)",
                                 {name, value, raw(run.id)}));
  BATON_TRY_VOID(tx.append(
      "run.queued", run_subject(run.id),
      fmt::format(R"({{"suite":{},"number":{},"reference":{},"triggered_by":{},"schedule":{}}})",
                  json_quote(run.namespace_ + "/" + run.suite), run.number,
                  json_quote(request.reference), json_quote(request.triggered_by),
                  json_quote(request.schedule))));
  return {};
}

Result<void> append_runner_needed(Tx& tx, const RunRow& row) {
  BATON_TRY_VOID(tx.append("run.runner_needed", run_subject(row.run.id),
                           fmt::format(R"({{"epoch":{}}})", row.run.epoch)));
  return {};
}

}  // namespace

std::string run_subject(RunId id) { return fmt::format("run:{}", raw(id)); }

RunId run_of_subject(std::string_view subject) {
  std::int64_t id = 0;
  if (subject.starts_with("run:"))
    std::from_chars(subject.data() + 4, subject.data() + subject.size(), id);
  return RunId{id};
}

std::string counts_json(const model::Counts& c) {
  return fmt::format(R"({{"total":{},"passed":{},"failed":{},"errored":{},"skipped":{},"flaky":{},)"
                     R"("quarantined":{},"pending":{}}})",
                     c.total, c.passed, c.failed, c.errored, c.skipped, c.flaky, c.quarantined,
                     c.pending);
}

// Runs of the suite that may start as soon as there is room.
Result<void> count_startable(Tx& tx, std::int64_t suite_id, std::int64_t by) {
  return tx.sql().exec("UPDATE suite_tally SET queued = queued + ? WHERE suite_id = ?",
                       {by, suite_id});
}

Result<Load> run_load(Session& session) {
  BATON_TRY(rows, session.query("SELECT queued, running FROM counter WHERE id = 1"));
  return Load{rows.at(0).integer(0), rows.at(0).integer(1)};
}

Result<void> insert_run(Tx& tx, RunRow& row, std::int64_t queued_max) {
  BATON_TRY(counted, tx.sql().query("UPDATE counter SET run = run + 1, queued = queued + 1 "
                                    "WHERE id = 1 AND queued < ? RETURNING run",
                                    {queued_max}));
  if (counted.empty())
    return fail_with_fix(Code::limit, "wait until some have started, or raise limits.queued_runs",
                         "{} runs are queued already", queued_max);
  row.run.id = RunId{counted[0].integer(0)};
  return insert_row(tx, row);
}

Result<RunId> reserve_run_id(Tx& tx) {
  BATON_TRY(counted,
            tx.sql().query("UPDATE counter SET run = run + 1 WHERE id = 1 RETURNING run"));
  return RunId{counted.at(0).integer(0)};
}

Result<void> insert_finished_run(Tx& tx, RunRow& row) {
  if (raw(row.run.id) == 0) {
    BATON_TRY(id, reserve_run_id(tx));
    row.run.id = id;
  }
  return insert_row(tx, row);
}

Result<void> announce_finished(Tx& tx, const RunRow& row) {
  const model::Run& run = row.run;
  BATON_TRY_VOID(
      tx.append("run.finished", run_subject(run.id),
                fmt::format(R"({{"suite":{},"verdict":"{}","flaky":{},"counts":{},"message":{}}})",
                            json_quote(run.namespace_ + "/" + run.suite), name_of(run.verdict),
                            run.flaky, counts_json(run.counts), json_quote(run.message))));
  return {};
}

Result<std::optional<RunRow>> find_run(Session& session, RunId id) {
  static const std::string kSql = select_run("r.id = ?");
  BATON_TRY(rows, session.query(kSql, {raw(id)}));
  return one(rows);
}

Result<std::optional<RunRow>> find_run_by_number(Session& session, std::int64_t suite_id,
                                                 std::int64_t number) {
  static const std::string kSql = select_run("r.suite_id = ? AND r.number = ?");
  BATON_TRY(rows, session.query(kSql, {suite_id, number}));
  return one(rows);
}

Result<std::optional<RunId>> oldest_startable(Session& session) {
  // One index look-up per suite that has queued runs, however many these are.
  BATON_TRY(rows, session.query(
                      "SELECT (SELECT MIN(r.id) FROM run r WHERE r.state = 0 AND "
                      "r.suite_id = t.suite_id) AS oldest FROM suite_tally t WHERE t.queued > 0 "
                      "AND (t.running_max = 0 OR t.running < t.running_max) ORDER BY oldest "
                      "LIMIT 1"));
  if (rows.empty()) return std::optional<RunId>{};
  return std::optional{RunId{rows[0].integer(0)}};
}

Result<bool> was_run(Session& session, RunId id) {
  BATON_TRY(rows, session.query("SELECT run FROM counter WHERE id = 1"));
  return raw(id) >= 1 && raw(id) <= rows.at(0).integer(0);
}

Result<std::vector<RunRow>> runs_in_state(Session& session, model::RunState state, RunId after,
                                          int limit) {
  static const std::string kSql =
      select_run("r.state < 3 AND r.state = ? AND r.id > ? ORDER BY r.id LIMIT ?");
  BATON_TRY(rows, session.query(
                      kSql, {static_cast<std::int64_t>(state), raw(after), std::int64_t{limit}}));
  return runs_of(rows);
}

Result<void> mark_waiting(Tx& tx, RunRow& row) {
  row.run.state = model::RunState::waiting;
  BATON_TRY_VOID(tx.sql().exec("UPDATE run SET state = 1 WHERE id = ?", {raw(row.run.id)}));
  BATON_TRY_VOID(count_startable(tx, row.suite_id, -1));
  BATON_TRY_VOID(tx.append("run.waiting", run_subject(row.run.id),
                           fmt::format(R"({{"lease":{}}})", json_quote(row.run.lease))));
  return {};
}

Result<void> mark_ready(Tx& tx, RunRow& row) {
  row.run.state = model::RunState::queued;
  BATON_TRY_VOID(tx.sql().exec("UPDATE run SET state = 0 WHERE id = ?", {raw(row.run.id)}));
  BATON_TRY_VOID(count_startable(tx, row.suite_id, 1));
  BATON_TRY_VOID(tx.append("run.ready", run_subject(row.run.id),
                           fmt::format(R"({{"lease":{}}})", json_quote(row.run.lease))));
  return {};
}

Result<void> set_lease(Tx& tx, RunRow& row, std::string_view lease) {
  row.run.lease = std::string(lease);
  return tx.sql().exec("UPDATE run SET lease = ? WHERE id = ?", {row.run.lease, raw(row.run.id)});
}

Result<void> put_run_environment(Tx& tx, RunId run, const RunEnvironment& environment) {
  return tx.sql().exec(
      "INSERT INTO run_lease (run_id, fence, data) VALUES (?, ?, ?) "
      "ON CONFLICT (run_id) DO UPDATE SET fence = excluded.fence, data = excluded.data",
      {raw(run), environment.fence, environment.events});
}

Result<std::optional<RunEnvironment>> run_environment(Session& session, RunId run) {
  BATON_TRY(rows,
            session.query("SELECT fence, data FROM run_lease WHERE run_id = ?", {raw(run)}));
  if (rows.empty()) return std::optional<RunEnvironment>{};
  return std::optional{RunEnvironment{rows[0].integer(0), rows[0].text(1)}};
}

Result<void> mark_started(Tx& tx, RunRow& row) {
  model::Run& run = row.run;
  run.state = model::RunState::running;
  run.epoch = 1;
  run.started_at = tx.now().wall;
  BATON_TRY_VOID(tx.sql().exec("UPDATE run SET state = 2, epoch = 1, started_at = ? WHERE id = ?",
                               {to_ms(*run.started_at), raw(run.id)}));
  BATON_TRY_VOID(
      tx.sql().exec("UPDATE counter SET queued = queued - 1, running = running + 1 WHERE id = 1"));
  BATON_TRY_VOID(tx.sql().exec(
      "UPDATE suite_tally SET queued = queued - 1, running = running + 1 WHERE suite_id = ?",
      {row.suite_id}));
  BATON_TRY_VOID(tx.append("run.started", run_subject(run.id)));
  return append_runner_needed(tx, row);
}

Result<void> mark_resumed(Tx& tx, RunRow& row, std::string_view reason) {
  model::Run& run = row.run;
  ++run.epoch;
  ++run.resumes;
  run.acked = 0;
  BATON_TRY_VOID(tx.sql().exec("UPDATE run SET epoch = ?, resumes = ?, acked = 0 WHERE id = ?",
                               {std::int64_t{run.epoch}, std::int64_t{run.resumes}, raw(run.id)}));
  BATON_TRY_VOID(
      tx.append("run.resumed", run_subject(run.id),
                fmt::format(R"({{"epoch":{},"reason":{}}})", run.epoch, json_quote(reason))));
  return append_runner_needed(tx, row);
}

Result<void> mark_recorded(Tx& tx, const RunRow& row, std::string_view data) {
  const model::Run& run = row.run;
  const model::Counts& c = run.counts;
  BATON_TRY_VOID(tx.sql().exec(
      "UPDATE run SET acked = ?, total = ?, passed = ?, failed = ?, errored = ?, skipped = ?, "
      "flaky = ?, quarantined = ?, pending = ?, setup_log = ? WHERE id = ?",
      {run.acked, std::int64_t{c.total}, std::int64_t{c.passed}, std::int64_t{c.failed},
       std::int64_t{c.errored}, std::int64_t{c.skipped}, std::int64_t{c.flaky},
       std::int64_t{c.quarantined}, std::int64_t{c.pending}, run.setup_log, raw(run.id)}));
  BATON_TRY_VOID(tx.append("run.recorded", run_subject(run.id), data));
  return {};
}

Result<void> set_acked(Tx& tx, RunId run, std::int64_t acked) {
  return tx.sql().exec("UPDATE run SET acked = ? WHERE id = ?", {acked, raw(run)});
}

Result<void> mark_cancel_requested(Tx& tx, RunRow& row, std::string_view reason) {
  row.run.cancel_requested = true;
  row.run.cancel_reason = std::string(reason);
  BATON_TRY_VOID(
      tx.sql().exec("UPDATE run SET cancel_requested = 1, cancel_reason = ? WHERE id = ?",
                    {row.run.cancel_reason, raw(row.run.id)}));
  BATON_TRY_VOID(tx.append("run.cancel_requested", run_subject(row.run.id),
                           fmt::format(R"({{"reason":{}}})", json_quote(reason))));
  return {};
}

Result<void> mark_finished(Tx& tx, RunRow& row) {
  model::Run& run = row.run;
  const model::RunState was = run.state;
  run.state = model::RunState::finished;
  run.finished_at = tx.now().wall;
  run.flaky = run.counts.flaky > 0;
  const model::Counts& c = run.counts;
  BATON_TRY_VOID(tx.sql().exec(
      "UPDATE run SET state = 3, verdict = ?, total = ?, passed = ?, failed = ?, errored = ?, "
      "skipped = ?, flaky = ?, quarantined = ?, pending = ?, finished_at = ?, message = ?, "
      "cancel_reason = ? WHERE id = ?",
      {static_cast<std::int64_t>(run.verdict), std::int64_t{c.total}, std::int64_t{c.passed},
       std::int64_t{c.failed}, std::int64_t{c.errored}, std::int64_t{c.skipped},
       std::int64_t{c.flaky}, std::int64_t{c.quarantined}, std::int64_t{c.pending},
       to_ms(*run.finished_at), run.message, run.cancel_reason, raw(run.id)}));
  if (was != model::RunState::running) {
    BATON_TRY_VOID(tx.sql().exec("UPDATE counter SET queued = queued - 1 WHERE id = 1"));
    if (was == model::RunState::queued) BATON_TRY_VOID(count_startable(tx, row.suite_id, -1));
  } else {
    BATON_TRY_VOID(tx.sql().exec("UPDATE counter SET running = running - 1 WHERE id = 1"));
    BATON_TRY_VOID(tx.sql().exec("UPDATE suite_tally SET running = running - 1 WHERE suite_id = ?",
                                 {row.suite_id}));
  }
  return announce_finished(tx, row);
}

Result<void> index_run(Tx& tx, const RunRow& row, std::string_view failures) {
  const model::Run& run = row.run;
  const std::string words = search_words(
      fmt::format("{} {} {} {} {} {}", run.namespace_, run.suite, run.request.reference,
                  run.request.triggered_by, run.message, failures));
  const bool sqlite = tx.sql().dialect() == Dialect::sqlite;
  return tx.sql().exec(sqlite ? "INSERT INTO run_text (rowid, words) VALUES (?, ?)"
                              : "INSERT INTO run_text (run_id, words) VALUES (?, ?)",
                       {raw(run.id), words});
}

Result<void> remove_run(Tx& tx, const RunRow& row, std::string_view data) {
  const std::int64_t id = raw(row.run.id);
  for (const auto& [name, value] : row.run.request.labels)
    BATON_TRY_VOID(tx.sql().exec(
        "DELETE FROM run_label WHERE name = ? AND value = ? AND run_id = ?", {name, value, id}));
  const bool sqlite = tx.sql().dialect() == Dialect::sqlite;
  BATON_TRY_VOID(tx.sql().exec(
      sqlite ? "DELETE FROM run_text WHERE rowid = ?" : "DELETE FROM run_text WHERE run_id = ?",
      {id}));
  BATON_TRY_VOID(tx.sql().exec("DELETE FROM run_lease WHERE run_id = ?", {id}));
  BATON_TRY_VOID(tx.sql().exec("DELETE FROM run WHERE id = ?", {id}));
  BATON_TRY_VOID(
      tx.sql().exec("UPDATE suite_tally SET last_run = (SELECT MAX(id) FROM run WHERE "
                    "suite_id = ?) WHERE suite_id = ? AND last_run = ?",
                    {row.suite_id, row.suite_id, id}));
  BATON_TRY_VOID(tx.append("run.deleted", run_subject(row.run.id), data));
  return {};
}

Result<bool> has_live_run(Session& session, std::string_view schedule) {
  BATON_TRY(
      rows,
      session.query(fmt::format("SELECT 1 FROM run{} WHERE state < 3 AND schedule = ? "
                                "LIMIT 1",
                                session.dialect() == Dialect::sqlite ? " INDEXED BY run_live" : ""),
                    {std::string(schedule)}));
  return !rows.empty();
}

Result<std::vector<RunId>> expired_runs(Session& session, std::int64_t suite_id, int keep_last,
                                        TimePoint before, int limit) {
  std::int64_t bound = INT64_MAX;  // runs from here on are among the newest
  if (keep_last > 0) {
    BATON_TRY(rows, session.query("SELECT id FROM run WHERE suite_id = ? ORDER BY id DESC "
                                  "LIMIT 1 OFFSET ?",
                                  {suite_id, std::int64_t{keep_last} - 1}));
    if (rows.empty()) return std::vector<RunId>{};
    bound = rows[0].integer(0);
  }
  // The predicate of the partial index run_age, word for word.
  static_assert(kFinished == 3);
  BATON_TRY(rows, session.query("SELECT id FROM run WHERE suite_id = ? AND finished_at < ? AND "
                                "state = 3 AND id < ? ORDER BY finished_at LIMIT ?",
                                {suite_id, to_ms(before), bound, std::int64_t{limit}}));
  std::vector<RunId> ids;
  for (const Row& row : rows) ids.push_back(RunId{row.integer(0)});
  return ids;
}

}  // namespace baton::store
