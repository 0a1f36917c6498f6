// SPDX-License-Identifier: MIT
#include "store/case_table.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "store/row_json.h"

namespace baton::store {
namespace {

using model::Attempt;
using model::CaseVerdict;
using model::Outcome;

std::string cut(const std::string& text) {
  if (text.size() <= kMessageMax) return text;
  return to_valid_utf8(text.substr(0, kMessageMax)) + "\n[cut]";
}

// Columns: test_id, number, outcome, soft, interrupted, started_at, duration_ms, log_bytes,
// message, detail.
Result<Attempt> attempt_of(const Row& row, std::string_view test) {
  Attempt attempt;
  attempt.test = std::string(test);
  attempt.number = static_cast<int>(row.integer(1));
  attempt.outcome = static_cast<Outcome>(row.integer(2));
  attempt.soft_failure = row.integer(3) != 0;
  attempt.interrupted = row.integer(4) != 0;
  attempt.started_at = from_ms(row.integer(5));
  attempt.duration = Duration{row.integer(6)};
  attempt.log_bytes = row.integer(7);
  attempt.message = row.text(8);
  BATON_TRY_VOID(decode_attempt(row.text(9), attempt));
  return attempt;
}

constexpr std::string_view kAttemptColumns =
    "SELECT test_id, number, outcome, soft, interrupted, started_at, duration_ms, log_bytes, "
    "message, detail FROM attempt WHERE run_id = ?";

model::Artifact artifact_of(const Row& row) {
  return {row.text(0), row.integer(1), row.text(2), row.text(3), static_cast<int>(row.integer(4)),
          row.text(5)};
}

std::vector<model::Artifact> artifacts_of(const Rows& rows) {
  std::vector<model::Artifact> artifacts;
  artifacts.reserve(rows.size());
  for (const Row& row : rows) artifacts.push_back(artifact_of(row));
  return artifacts;
}

model::CaseResult case_of(std::string name, CaseVerdict verdict, bool quarantined) {
  model::CaseResult result;
  result.name = std::move(name);
  result.verdict = verdict;
  result.flaky = verdict == CaseVerdict::flaky;
  result.quarantined = quarantined;
  return result;
}

}  // namespace

Result<std::optional<CaseRow>> find_case(Session& session, std::int64_t suite_id, RunId run,
                                         std::string_view name) {
  BATON_TRY(rows, session.query("SELECT c.test_id, c.verdict, c.soft, c.quarantined FROM test t "
                                "JOIN run_case c ON c.run_id = ? AND c.test_id = t.id "
                                "WHERE t.suite_id = ? AND t.name = ?",
                                {raw(run), suite_id, std::string(name)}));
  if (rows.empty()) return std::optional<CaseRow>{};
  const Row& row = rows[0];
  return std::optional{CaseRow{row.integer(0), static_cast<CaseVerdict>(row.integer(1)),
                               row.integer(2) != 0, row.integer(3) != 0}};
}

Result<bool> add_case(Tx& tx, RunId run, std::int64_t test_id, int ord) {
  BATON_TRY(rows, tx.sql().query(
                      "INSERT INTO run_case (run_id, test_id, ord, verdict, soft, quarantined) "
                      "VALUES (?, ?, ?, 0, 0, 0) ON CONFLICT (run_id, test_id) DO NOTHING "
                      "RETURNING ord",
                      {raw(run), test_id, std::int64_t{ord}}));
  return !rows.empty();
}

Result<void> set_case_verdict(Tx& tx, RunId run, std::int64_t test_id, CaseVerdict verdict,
                              bool soft) {
  return tx.sql().exec("UPDATE run_case SET verdict = ?, soft = ? WHERE run_id = ? AND test_id = ?",
                       {static_cast<std::int64_t>(verdict), std::int64_t{soft}, raw(run), test_id});
}

Result<std::vector<Attempt>> case_attempts(Session& session, RunId run, std::int64_t test_id,
                                           bool whole) {
  static const std::string kSql = std::string(kAttemptColumns) + " AND test_id = ? ORDER BY number";
  BATON_TRY(rows, session.query(kSql, {raw(run), test_id}));
  std::vector<Attempt> attempts;
  for (const Row& row : rows) {
    BATON_TRY(attempt, attempt_of(row, ""));
    if (!whole) {
      attempt.spans.clear();
      attempt.values.clear();
    }
    attempts.push_back(std::move(attempt));
  }
  return attempts;
}

Result<bool> put_attempt(Tx& tx, RunId run, std::int64_t test_id, const Attempt& attempt) {
  // An attempt that has an outcome (not 0, running) keeps it: the condition guards every
  // repetition. An interruption is only the server's guess; what the lost runner had spooled
  // replaces it.
  BATON_TRY(rows, tx.sql().query(
                      "INSERT INTO attempt (run_id, test_id, number, outcome, soft, interrupted, "
                      "started_at, duration_ms, log_bytes, message, detail) "
                      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                      "ON CONFLICT (run_id, test_id, number) DO UPDATE SET "
                      "outcome = excluded.outcome, soft = excluded.soft, "
                      "interrupted = excluded.interrupted, started_at = excluded.started_at, "
                      "duration_ms = excluded.duration_ms, log_bytes = excluded.log_bytes, "
                      "message = excluded.message, detail = excluded.detail "
                      "WHERE excluded.outcome <> 0 AND (attempt.outcome = 0 OR "
                      "(attempt.interrupted = 1 AND excluded.interrupted = 0)) RETURNING number",
                      {raw(run), test_id, std::int64_t{attempt.number},
                       static_cast<std::int64_t>(attempt.outcome),
                       std::int64_t{attempt.soft_failure}, std::int64_t{attempt.interrupted},
                       to_ms(attempt.started_at), attempt.duration.count(), attempt.log_bytes,
                       cut(attempt.message), encode_attempt(attempt)}));
  return !rows.empty();
}

Result<std::vector<OpenAttempt>> open_attempts(Session& session, RunId run) {
  BATON_TRY(rows,
            session.query("SELECT a.test_id, t.name, a.number, a.started_at FROM attempt a "
                          "JOIN test t ON t.id = a.test_id WHERE a.run_id = ? AND a.outcome = 0 "
                          "ORDER BY a.test_id, a.number",
                          {raw(run)}));
  std::vector<OpenAttempt> open;
  for (const Row& row : rows)
    open.push_back(
        {row.integer(0), row.text(1), static_cast<int>(row.integer(2)), from_ms(row.integer(3))});
  return open;
}

Result<std::vector<VerdictCount>> count_verdicts(Session& session, RunId run) {
  BATON_TRY(rows, session.query("SELECT verdict, soft, COUNT(*) FROM run_case WHERE run_id = ? "
                                "GROUP BY verdict, soft",
                                {raw(run)}));
  std::vector<VerdictCount> counts;
  for (const Row& row : rows)
    counts.push_back({static_cast<CaseVerdict>(row.integer(0)), row.integer(1) != 0,
                      static_cast<int>(row.integer(2))});
  return counts;
}

Result<std::vector<std::int64_t>> pending_tried(Session& session, RunId run) {
  BATON_TRY(rows, session.query("SELECT c.test_id FROM run_case c WHERE c.run_id = ? AND "
                                "c.verdict = 0 AND EXISTS (SELECT 1 FROM attempt a WHERE "
                                "a.run_id = c.run_id AND a.test_id = c.test_id) ORDER BY c.test_id",
                                {raw(run)}));
  std::vector<std::int64_t> tests;
  for (const Row& row : rows) tests.push_back(row.integer(0));
  return tests;
}

Result<void> settle_pending(Tx& tx, RunId run, CaseVerdict verdict) {
  return tx.sql().exec("UPDATE run_case SET verdict = ? WHERE run_id = ? AND verdict = 0",
                       {static_cast<std::int64_t>(verdict), raw(run)});
}

Result<std::vector<model::CaseProgress>> case_progress(Session& session, RunId run) {
  BATON_TRY(rows,
            session.query("SELECT t.name, c.verdict, COUNT(a.number), MAX(a.number), "
                          "MAX(a.interrupted) FROM run_case c JOIN test t ON t.id = c.test_id "
                          "LEFT JOIN attempt a ON a.run_id = c.run_id AND "
                          "a.test_id = c.test_id WHERE c.run_id = ? "
                          "GROUP BY t.name, c.verdict, c.ord ORDER BY c.ord, t.name",
                          {raw(run)}));
  std::vector<model::CaseProgress> progress;
  progress.reserve(rows.size());
  for (const Row& row : rows) {
    model::CaseProgress one;
    one.name = row.text(0);
    one.finished = row.integer(1) != 0;
    one.attempts = static_cast<int>(row.integer(3));
    // The rule of model::counted_attempts.
    one.counted = static_cast<int>(row.integer(2)) - (row.integer(4) != 0 ? 1 : 0);
    progress.push_back(std::move(one));
  }
  return progress;
}

Result<std::string> failure_messages(Session& session, RunId run, std::size_t max_bytes) {
  BATON_TRY(rows, session.query("SELECT message FROM attempt WHERE run_id = ? AND message <> '' "
                                "ORDER BY test_id, number LIMIT 1000",
                                {raw(run)}));
  std::string text;
  for (const Row& row : rows) {
    if (text.size() >= max_bytes) break;
    text += text.empty() ? "" : " ";
    text += row.text(0).substr(0, max_bytes - std::min(max_bytes, text.size()));
  }
  return text;
}

Result<CasePage> list_cases(Session& session, RunId run, const CaseQuery& query) {
  std::string sql =
      "SELECT c.test_id, t.name, c.verdict, c.quarantined, c.ord FROM run_case c "
      "JOIN test t ON t.id = c.test_id WHERE c.run_id = ? AND c.ord > ?";
  std::vector<Value> args{raw(run), query.after};
  if (query.verdict) {
    sql += " AND c.verdict = ?";
    args.emplace_back(static_cast<std::int64_t>(*query.verdict));
  }
  sql += " ORDER BY c.ord LIMIT ?";
  args.emplace_back(std::int64_t{query.limit} + 1);
  BATON_TRY(rows, session.query(sql, args));
  CasePage page;
  if (rows.size() > static_cast<std::size_t>(query.limit)) {
    rows.pop_back();
    page.next_after = rows.back().integer(4);
  }
  std::map<std::int64_t, std::size_t> place;
  for (const Row& row : rows) {
    place.emplace(row.integer(0), page.cases.size());
    page.cases.push_back(
        case_of(row.text(1), static_cast<CaseVerdict>(row.integer(2)), row.integer(3) != 0));
  }
  if (!query.attempts || page.cases.empty()) return page;
  // A range over the ids of the page: at most the attempts of this run.
  static const std::string kSql =
      std::string(kAttemptColumns) + " AND test_id >= ? AND test_id <= ? ORDER BY test_id, number";
  BATON_TRY(attempts, session.query(kSql, {raw(run), place.begin()->first, place.rbegin()->first}));
  for (const Row& row : attempts) {
    const auto found = place.find(row.integer(0));
    if (found == place.end()) continue;
    model::CaseResult& result = page.cases[found->second];
    BATON_TRY(attempt, attempt_of(row, result.name));
    result.attempts.push_back(std::move(attempt));
  }
  return page;
}

Result<std::vector<std::string>> cases_without_success(Session& session, RunId run) {
  using enum CaseVerdict;
  const auto number = [](CaseVerdict verdict) { return static_cast<std::int64_t>(verdict); };
  BATON_TRY(rows, session.query(
                      "SELECT t.name FROM run_case c JOIN test t ON t.id = c.test_id "
                      "WHERE c.run_id = ? AND (c.verdict IN (?, ?, ?, ?, ?) OR (c.verdict = ? AND "
                      "NOT EXISTS (SELECT 1 FROM attempt a WHERE a.run_id = c.run_id AND "
                      "a.test_id = c.test_id))) ORDER BY c.ord",
                      {raw(run), number(failed), number(errored), number(timed_out),
                       number(cancelled), number(quarantined_failure), number(skipped)}));
  std::vector<std::string> names;
  for (const Row& row : rows) names.push_back(row.text(0));
  return names;
}

Result<std::optional<model::CaseResult>> read_case(Session& session, RunId run,
                                                   std::string_view name) {
  BATON_TRY(rows, session.query("SELECT c.test_id, t.name, c.verdict, c.quarantined FROM run r "
                                "JOIN test t ON t.suite_id = r.suite_id AND t.name = ? "
                                "JOIN run_case c ON c.run_id = r.id AND c.test_id = t.id "
                                "WHERE r.id = ?",
                                {std::string(name), raw(run)}));
  if (rows.empty()) return std::optional<model::CaseResult>{};
  const Row& row = rows[0];
  model::CaseResult result =
      case_of(row.text(1), static_cast<CaseVerdict>(row.integer(2)), row.integer(3) != 0);
  BATON_TRY(attempts, case_attempts(session, run, row.integer(0), true));
  result.attempts = std::move(attempts);
  for (Attempt& attempt : result.attempts) attempt.test = result.name;
  return std::optional{std::move(result)};
}

Result<void> put_artifact(Tx& tx, RunId run, const model::Artifact& artifact) {
  return tx.sql().exec(
      "INSERT INTO artifact (run_id, path, test, attempt, size, type, digest) "
      "VALUES (?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (run_id, path, test, attempt) DO UPDATE SET "
      "size = excluded.size, type = excluded.type, digest = excluded.digest",
      {raw(run), artifact.path, artifact.test, std::int64_t{artifact.attempt}, artifact.size,
       artifact.type, artifact.digest});
}

Result<std::vector<model::Artifact>> list_artifacts(Session& session, RunId run,
                                                    std::string_view path) {
  std::string sql = "SELECT path, size, type, test, attempt, digest FROM artifact WHERE run_id = ?";
  std::vector<Value> args{raw(run)};
  if (!path.empty()) {
    sql += " AND path = ?";
    args.emplace_back(std::string(path));
  }
  sql += " ORDER BY path, test, attempt";
  BATON_TRY(rows, session.query(sql, args));
  return artifacts_of(rows);
}

Result<std::vector<std::string>> unshared_digests(Session& session, RunId run) {
  // Each digest once, and two look-ups in the index of digests: a run may have one file thousands
  // of times.
  BATON_TRY(
      rows,
      session.query("SELECT d.digest FROM (SELECT DISTINCT digest FROM artifact WHERE run_id = ?) "
                    "d WHERE NOT EXISTS (SELECT 1 FROM artifact b WHERE b.digest = d.digest AND "
                    "b.run_id < ?) AND NOT EXISTS (SELECT 1 FROM artifact b WHERE "
                    "b.digest = d.digest AND b.run_id > ?) ORDER BY d.digest",
                    {raw(run), raw(run), raw(run)}));
  std::vector<std::string> digests;
  for (const Row& row : rows) digests.push_back(row.text(0));
  return digests;
}

Result<void> remove_cases(Tx& tx, RunId run) {
  BATON_TRY_VOID(tx.sql().exec("DELETE FROM attempt WHERE run_id = ?", {raw(run)}));
  BATON_TRY_VOID(tx.sql().exec("DELETE FROM run_case WHERE run_id = ?", {raw(run)}));
  return tx.sql().exec("DELETE FROM artifact WHERE run_id = ?", {raw(run)});
}

}  // namespace baton::store
