// SPDX-License-Identifier: MIT
#include "store/suite_table.h"

#include "base/text.h"
#include "store/row_json.h"

namespace baton::store {
namespace {

constexpr std::string_view kRefColumns =
    "SELECT id, namespace, name, state, source, environment FROM suite ";
constexpr std::string_view kRowColumns =
    "SELECT s.id, s.namespace, s.name, s.state, s.source, s.definition, s.discovery_error, "
    "s.revision, t.last_run, t.queued, t.running";
constexpr std::string_view kRowFrom =
    " FROM suite s JOIN suite_tally t ON t.suite_id = s.id ";

SuiteRef ref_of(const Row& row) {
  return {row.integer(0), row.text(1), row.text(2), static_cast<SuiteState>(row.integer(3)),
          static_cast<model::SuiteSource>(row.integer(4)), row.text(5)};
}

std::vector<SuiteRef> refs_of(const Rows& rows) {
  std::vector<SuiteRef> refs;
  refs.reserve(rows.size());
  for (const Row& row : rows) refs.push_back(ref_of(row));
  return refs;
}

Result<SuiteRow> row_of(const Row& row, bool with_cases) {
  SuiteRow found;
  found.id = row.integer(0);
  found.state = static_cast<SuiteState>(row.integer(3));
  if (const auto last = row.optional_integer(8)) found.last_run = RunId{*last};
  found.queued = static_cast<int>(row.integer(9));
  found.running = static_cast<int>(row.integer(10));
  model::Suite& suite = found.suite;
  BATON_TRY_VOID(decode_definition(row.text(5), suite));
  suite.namespace_ = row.text(1);
  suite.name = row.text(2);
  suite.source = static_cast<model::SuiteSource>(row.integer(4));
  suite.discovery_error = row.text(6);
  suite.revision = row.integer(7);
  if (with_cases) {
    BATON_TRY(cases, decode_cases(row.text(11)));
    suite.cases = std::move(cases);
  }
  return found;
}

std::string subject_of(std::string_view full_name) { return fmt::format("suite:{}", full_name); }

Result<std::int64_t> insert_suite(Tx& tx, const model::Suite& suite,
                                  const std::string& definition) {
  BATON_TRY(rows,
            tx.sql().query("INSERT INTO suite (id, namespace, name, source, state, environment, "
                           "revision, definition, discovery_error, cases) "
                           "VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM suite), "
                           "?, ?, ?, 0, ?, 1, ?, '', ?) RETURNING id",
                           {suite.namespace_, suite.name, static_cast<std::int64_t>(suite.source),
                            suite.environment, definition, encode_cases(suite.cases)}));
  const std::int64_t id = rows.at(0).integer(0);
  BATON_TRY_VOID(tx.sql().exec("INSERT INTO suite_tally (suite_id, number, queued, running, "
                               "running_max, last_run) VALUES (?, 0, 0, 0, ?, NULL)",
                               {id, std::int64_t{suite.running_runs}}));
  return id;
}

}  // namespace

Result<std::optional<SuiteRef>> find_suite_ref(Session& session, std::string_view namespace_,
                                               std::string_view name) {
  static const std::string kSql = std::string(kRefColumns) + "WHERE namespace = ? AND name = ?";
  BATON_TRY(rows, session.query(kSql, {std::string(namespace_), std::string(name)}));
  if (rows.empty()) return std::optional<SuiteRef>{};
  return std::optional{ref_of(rows[0])};
}

Result<std::vector<SuiteRef>> suites_named(Session& session, std::string_view name) {
  static const std::string kSql =
      std::string(kRefColumns) + "WHERE name = ? AND state = 0 ORDER BY namespace";
  BATON_TRY(rows, session.query(kSql, {std::string(name)}));
  return refs_of(rows);
}

Result<std::vector<std::string>> suite_names(Session& session) {
  static const std::string kSql = std::string(kRefColumns) + "WHERE state = 0 "
                                                             "ORDER BY namespace, name LIMIT 1000";
  BATON_TRY(rows, session.query(kSql));
  std::vector<std::string> names;
  for (const Row& row : rows) names.push_back(ref_of(row).full_name());
  return names;
}

Result<std::optional<SuiteRow>> find_suite(Session& session, std::int64_t id) {
  static const std::string kSql =
      fmt::format("{}, s.cases{}WHERE s.id = ?", kRowColumns, kRowFrom);
  BATON_TRY(rows, session.query(kSql, {id}));
  if (rows.empty()) return std::optional<SuiteRow>{};
  BATON_TRY(row, row_of(rows[0], true));
  return std::optional{std::move(row)};
}

Result<std::vector<SuiteRow>> list_suites(Session& session, std::string_view after, int limit,
                                          std::string_view namespace_, bool with_cases) {
  std::string sql = fmt::format("{}{}{}WHERE s.state = 0", kRowColumns,
                                with_cases ? ", s.cases" : "", kRowFrom);
  std::vector<Value> args;
  if (!after.empty()) {
    const std::size_t slash = after.find('/');
    const std::string_view name =
        slash == std::string_view::npos ? std::string_view{} : after.substr(slash + 1);
    sql += " AND (s.namespace > ? OR (s.namespace = ? AND s.name > ?))";
    args.emplace_back(std::string(after.substr(0, slash)));
    args.emplace_back(std::string(after.substr(0, slash)));
    args.emplace_back(std::string(name));
  }
  if (!namespace_.empty()) {
    sql += " AND s.namespace = ?";
    args.emplace_back(std::string(namespace_));
  }
  sql += " ORDER BY s.namespace, s.name LIMIT ?";
  args.emplace_back(std::int64_t{limit});
  BATON_TRY(rows, session.query(sql, args));
  std::vector<SuiteRow> suites;
  suites.reserve(rows.size());
  for (const Row& row : rows) {
    BATON_TRY(suite, row_of(row, with_cases));
    suites.push_back(std::move(suite));
  }
  return suites;
}

Result<std::vector<SuiteRef>> suites_of_files(Session& session) {
  static const std::string kSql = std::string(kRefColumns) + "WHERE source = 0 ORDER BY id";
  BATON_TRY(rows, session.query(kSql));
  return refs_of(rows);
}

Result<std::int64_t> put_suite(Tx& tx, const model::Suite& suite) {
  const std::string definition = encode_definition(suite);
  BATON_TRY(found, tx.sql().query("SELECT id, state, source, definition, revision FROM suite "
                                  "WHERE namespace = ? AND name = ?",
                                  {suite.namespace_, suite.name}));
  std::int64_t id = 0;
  std::int64_t revision = 1;
  if (found.empty()) {
    BATON_TRY(inserted, insert_suite(tx, suite, definition));
    id = inserted;
  } else {
    const Row& row = found[0];
    id = row.integer(0);
    const bool same = row.integer(1) == 0 && row.text(3) == definition &&
                      row.integer(2) == static_cast<std::int64_t>(suite.source);
    if (!same) {
      revision = row.integer(4) + 1;
      BATON_TRY_VOID(tx.sql().exec(
          "UPDATE suite SET source = ?, state = 0, environment = ?, definition = ?, "
          "revision = ? WHERE id = ?",
          {static_cast<std::int64_t>(suite.source), suite.environment, definition, revision, id}));
      BATON_TRY_VOID(tx.sql().exec("UPDATE suite_tally SET running_max = ? WHERE suite_id = ?",
                                   {std::int64_t{suite.running_runs}, id}));
    }
    if (!suite.cases.empty()) {
      const SuiteRef ref{id, suite.namespace_, suite.name};
      BATON_TRY_VOID(put_cases(tx, ref, suite.cases, ""));
    }
    if (same) return id;
  }
  BATON_TRY_VOID(tx.append("suite.declared", subject_of(suite.id()),
                           fmt::format(R"({{"revision":{},"source":"{}"}})", revision,
                                       name_of(suite.source))));
  return id;
}

Result<void> set_suite_state(Tx& tx, const SuiteRef& suite, SuiteState state) {
  BATON_TRY_VOID(tx.sql().exec("UPDATE suite SET state = ?, revision = revision + 1 WHERE id = ?",
                               {static_cast<std::int64_t>(state), suite.id}));
  const std::string_view kind =
      state == SuiteState::deleted ? "suite.deleted" : "suite.undeclared";
  BATON_TRY_VOID(tx.append(kind, subject_of(suite.full_name())));
  return {};
}

Result<void> put_cases(Tx& tx, const SuiteRef& suite, const std::vector<model::Case>& cases,
                       std::string_view discovery_error) {
  const std::string text = encode_cases(cases);
  // The revision counts changes of the declaration alone: whoever read it and sends a change back
  // must not be refused because the cases were listed meanwhile.
  BATON_TRY(changed,
            tx.sql().query("UPDATE suite SET cases = ?, discovery_error = ? WHERE id = ? AND "
                           "(cases <> ? OR discovery_error <> ?) RETURNING revision",
                           {text, std::string(discovery_error), suite.id, text,
                            std::string(discovery_error)}));
  if (changed.empty()) return {};
  BATON_TRY_VOID(tx.append("suite.discovered", subject_of(suite.full_name()),
                           fmt::format(R"({{"cases":{},"error":{}}})", cases.size(),
                                       json_quote(discovery_error))));
  return {};
}

Result<std::int64_t> test_id(Tx& tx, std::int64_t suite_id, std::string_view name) {
  const std::string text(name);
  BATON_TRY(found, tx.sql().query("SELECT id FROM test WHERE suite_id = ? AND name = ?",
                                  {suite_id, text}));
  if (!found.empty()) return found[0].integer(0);
  BATON_TRY(made, tx.sql().query("INSERT INTO test (suite_id, name) VALUES (?, ?) RETURNING id",
                                 {suite_id, text}));
  return made.at(0).integer(0);
}

Result<std::string> test_name(Session& session, std::int64_t id) {
  BATON_TRY(rows, session.query("SELECT name FROM test WHERE id = ?", {id}));
  return rows.empty() ? std::string{} : rows[0].text(0);
}

Result<std::vector<std::int64_t>> suite_ids(Session& session) {
  BATON_TRY(rows, session.query("SELECT suite_id FROM suite_tally ORDER BY suite_id"));
  std::vector<std::int64_t> ids;
  for (const Row& row : rows) ids.push_back(row.integer(0));
  return ids;
}

}  // namespace baton::store
