// SPDX-License-Identifier: MIT
// Lists and searches of runs. The newest come first and the cursor is a run's id, so each list is a
// walk down one index that stops after a page. SQLite keeps no statistics here, so the index is
// named: that of the filter which usually selects least.
#include <algorithm>

#include "base/text.h"
#include "store/row_json.h"
#include "store/run_rows.h"

namespace baton::store {
namespace {

// A statement under construction.
struct Builder {
  std::string where;
  std::vector<Value> args;

  void add(std::string_view condition) {
    where += where.empty() ? " WHERE " : " AND ";
    where += condition;
  }
  void add(std::string_view condition, Value value) {
    add(condition);
    args.push_back(std::move(value));
  }
};

Result<std::vector<std::int64_t>> suites_of(Session& session, std::string_view suite) {
  const std::size_t slash = suite.find('/');
  Result<Rows> rows =
      slash == std::string_view::npos
          ? session.query("SELECT id FROM suite WHERE name = ?", {std::string(suite)})
          : session.query(
                "SELECT id FROM suite WHERE namespace = ? AND name = ?",
                {std::string(suite.substr(0, slash)), std::string(suite.substr(slash + 1))});
  if (!rows) return tl::unexpected(rows.error());
  std::vector<std::int64_t> ids;
  for (const Row& row : *rows) ids.push_back(row.integer(0));
  return ids;
}

void add_suites(Builder& sql, const std::vector<std::int64_t>& suites) {
  if (suites.size() == 1) return sql.add("r.suite_id = ?", suites[0]);
  std::string list;
  for (const std::int64_t id : suites) {
    list += list.empty() ? "?" : ", ?";
    sql.args.emplace_back(id);
  }
  sql.add(fmt::format("r.suite_id IN ({})", list));
}

void add_filters(Builder& sql, const RunQuery& query, bool one_suite) {
  if (query.state) {
    const auto state = static_cast<std::int64_t>(*query.state);
    sql.add(fmt::format("r.state = {}", state));
    // The predicate of the partial index, word for word: SQLite infers nothing.
    if (state < 3) sql.add("r.state < 3");
  }
  if (query.verdict) {
    sql.add(fmt::format("r.verdict = {}", static_cast<std::int64_t>(*query.verdict)));
    // For the partial index of all suites. With that of one suite SQLite would take the range for
    // the better bound, and sort.
    if (!one_suite) sql.add("r.verdict > 0");
  }
  if (!query.reference.empty()) sql.add("r.reference = ? AND r.reference <> ''", query.reference);
  if (!query.environment.empty())
    sql.add("r.environment = ? AND r.environment <> ''", query.environment);
  if (!query.schedule.empty()) sql.add("r.schedule = ? AND r.schedule <> ''", query.schedule);
}

void add_labels(Builder& sql, const RunQuery& query, std::size_t from) {
  for (std::size_t i = from; i < query.labels.size(); ++i) {
    sql.add(
        "EXISTS (SELECT 1 FROM run_label x WHERE x.name = ? AND x.value = ? AND "
        "x.run_id = r.id)");
    sql.args.emplace_back(query.labels[i].first);
    sql.args.emplace_back(query.labels[i].second);
  }
}

bool is_live(const RunQuery& query) {
  return query.state && *query.state != model::RunState::finished;
}

// The index to walk when no label leads. Few runs are live, whatever else is asked of them.
std::string_view index_for(const RunQuery& query, bool one_suite) {
  if (is_live(query)) {
    return one_suite && *query.state == model::RunState::queued ? "run_queue" : "run_live";
  }
  if (!query.reference.empty()) return "run_reference";
  if (!query.schedule.empty()) return "run_schedule";
  if (one_suite && !query.environment.empty()) return "run_suite_environment";
  if (one_suite) return query.verdict ? "run_suite_verdict" : "run_suite";
  if (!query.environment.empty()) return "run_environment";
  if (query.verdict) return "run_verdict";
  return {};
}

Result<std::vector<RunRow>> list_by_columns(Session& session, const RunQuery& query,
                                            std::optional<std::int64_t> suite) {
  const bool by_label = !query.labels.empty() && !is_live(query);
  Builder sql;
  std::string from;
  if (by_label) {
    from = " FROM run_label l CROSS JOIN run r CROSS JOIN suite s";
    sql.add("l.name = ?", query.labels[0].first);
    sql.add("l.value = ?", query.labels[0].second);
    if (query.before) sql.add("l.run_id < ?", raw(*query.before));
    sql.add("r.id = l.run_id AND s.id = r.suite_id");
  } else {
    const std::string_view index = index_for(query, suite.has_value());
    from = " FROM run r";
    if (!index.empty() && session.dialect() == Dialect::sqlite)
      from += fmt::format(" INDEXED BY {}", index);
    from += " CROSS JOIN suite s";
    if (query.before) sql.add("r.id < ?", raw(*query.before));
    sql.add("s.id = r.suite_id");
  }
  if (suite) sql.add("r.suite_id = ?", *suite);
  add_filters(sql, query, suite.has_value());
  add_labels(sql, query, by_label ? 1 : 0);
  sql.args.emplace_back(std::int64_t{query.limit});
  BATON_TRY(rows, session.query(fmt::format("{}{}{} ORDER BY {} DESC LIMIT ?", kRunColumns, from,
                                            sql.where, by_label ? "l.run_id" : "r.id"),
                                sql.args));
  return runs_of(rows);
}

void newest_first(std::vector<RunRow>& runs) {
  std::sort(runs.begin(), runs.end(),
            [](const RunRow& a, const RunRow& b) { return a.run.id > b.run.id; });
}

// A name without its namespace may mean several suites: each gives its newest.
Result<std::vector<RunRow>> list_by_columns(Session& session, const RunQuery& query,
                                            const std::vector<std::int64_t>& suites) {
  if (suites.empty()) return list_by_columns(session, query, std::nullopt);
  std::vector<RunRow> all;
  for (const std::int64_t suite : suites) {
    BATON_TRY(some, list_by_columns(session, query, std::optional{suite}));
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  newest_first(all);
  return all;
}

// "build-12 err" → "build 12"* "err"* for FTS5, (build <-> 12:*) & err:* for PostgreSQL: each word
// of the query is a phrase whose last part may be the beginning of a word. "" when nothing is left.
std::string match_expression(Dialect dialect, std::string_view text, bool beginnings) {
  std::string expression;
  for (const std::string_view word : split(text, ' ')) {
    const std::string words = search_words(word);
    const std::string_view phrase = trim(words);
    if (phrase.empty()) continue;
    if (dialect == Dialect::sqlite) {
      expression += fmt::format("{}\"{}\"{}", expression.empty() ? "" : " ", phrase,
                                beginnings ? "*" : "");
      continue;
    }
    std::string parts;
    for (const std::string_view part : split(phrase, ' '))
      if (!part.empty()) parts += fmt::format("{}{}", parts.empty() ? "" : " <-> ", part);
    expression += fmt::format("{}({}:*)", expression.empty() ? "" : " & ", parts);
  }
  return expression;
}

// Runs that have ended: by the index of their words.
Result<std::vector<RunRow>> search_words_of(Session& session, const RunQuery& query,
                                            const std::vector<std::int64_t>& suites,
                                            bool beginnings) {
  const std::string expression = match_expression(session.dialect(), query.text, beginnings);
  if (expression.empty()) return std::vector<RunRow>{};
  const bool sqlite = session.dialect() == Dialect::sqlite;
  const std::string_view key = sqlite ? "t.rowid" : "t.run_id";
  Builder sql;
  if (sqlite) {
    sql.add("run_text MATCH ?", expression);
  } else {
    sql.add("to_tsvector('simple', t.words) @@ to_tsquery('simple', ?)", expression);
  }
  if (query.before) sql.add(fmt::format("{} < ?", key), raw(*query.before));
  sql.add(fmt::format("r.id = {} AND s.id = r.suite_id", key));
  if (!suites.empty()) add_suites(sql, suites);
  add_filters(sql, query, suites.size() == 1);
  add_labels(sql, query, 0);
  sql.args.emplace_back(std::int64_t{query.limit});
  BATON_TRY(rows,
            session.query(fmt::format("{} FROM run_text t CROSS JOIN run r CROSS JOIN suite s{} "
                                      "ORDER BY {} DESC LIMIT ?",
                                      kRunColumns, sql.where, key),
                          sql.args));
  return runs_of(rows);
}

// FTS5 collects every run that has a word with this beginning before it gives the newest; of whole
// words it reads from the end. A page of those is what is looked for when a word is that common.
Result<std::vector<RunRow>> search_finished(Session& session, const RunQuery& query,
                                            const std::vector<std::int64_t>& suites) {
  if (session.dialect() == Dialect::sqlite) {
    BATON_TRY(whole, search_words_of(session, query, suites, false));
    if (whole.size() >= static_cast<std::size_t>(query.limit)) return std::move(whole);
  }
  return search_words_of(session, query, suites, true);
}

std::string like_pattern(std::string_view word) {
  std::string pattern = "%";
  for (const char c : to_lower(word)) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

// Runs that have not ended are few and have no messages yet: their columns are compared.
Result<std::vector<RunRow>> search_live(Session& session, const RunQuery& query,
                                        const std::vector<std::int64_t>& suites) {
  Builder sql;
  sql.add("r.state < 3 AND s.id = r.suite_id");
  if (query.before) sql.add("r.id < ?", raw(*query.before));
  for (const std::string_view word : split(query.text, ' ')) {
    if (word.empty()) continue;
    sql.add(
        "LOWER(s.namespace || '/' || s.name || ' ' || r.reference || ' ' || r.triggered_by) "
        "LIKE ? ESCAPE '\\'",
        like_pattern(word));
  }
  if (!suites.empty()) add_suites(sql, suites);
  add_filters(sql, query, suites.size() == 1);
  add_labels(sql, query, 0);
  sql.args.emplace_back(std::int64_t{query.limit});
  const std::string_view hint = session.dialect() == Dialect::sqlite ? " INDEXED BY run_live" : "";
  BATON_TRY(rows,
            session.query(fmt::format("{} FROM run r{} CROSS JOIN suite s{} ORDER BY r.id DESC "
                                      "LIMIT ?",
                                      kRunColumns, hint, sql.where),
                          sql.args));
  return runs_of(rows);
}

Result<std::vector<RunRow>> search(Session& session, const RunQuery& query,
                                   const std::vector<std::int64_t>& suites) {
  BATON_TRY(live, search_live(session, query, suites));
  BATON_TRY(finished, search_finished(session, query, suites));
  std::vector<RunRow> all;
  all.reserve(live.size() + finished.size());
  std::move(live.begin(), live.end(), std::back_inserter(all));
  std::move(finished.begin(), finished.end(), std::back_inserter(all));
  newest_first(all);
  return all;
}

}  // namespace

std::string search_words(std::string_view text) {
  std::string words = to_lower(text);
  for (char& c : words) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || byte >= 0x80;
    if (!letter) c = ' ';
  }
  return words;
}

Result<RunRow> run_of(const Row& row) {
  RunRow found;
  model::Run& run = found.run;
  const auto small = [&](std::size_t i) { return static_cast<int>(row.integer(i)); };
  const auto time = [&](std::size_t i) {
    const auto ms = row.optional_integer(i);
    return ms ? std::optional{from_ms(*ms)} : std::nullopt;
  };
  run.id = RunId{row.integer(0)};
  found.suite_id = row.integer(1);
  run.namespace_ = row.text(2);
  run.suite = row.text(3);
  run.number = row.integer(4);
  run.state = static_cast<model::RunState>(row.integer(5));
  run.verdict = static_cast<model::RunVerdict>(row.integer(6));
  run.counts = {small(7),  small(8),  small(9),  small(10),
                small(11), small(12), small(13), small(14)};
  run.flaky = run.counts.flaky > 0;
  run.queued_at = from_ms(row.integer(15));
  run.started_at = time(16);
  run.finished_at = time(17);
  run.epoch = small(18);
  run.resumes = small(19);
  run.acked = row.integer(20);
  run.cancel_requested = row.integer(21) != 0;
  model::RunRequest& request = run.request;
  request.suite = run.namespace_ + "/" + run.suite;
  request.reference = row.text(22);
  request.triggered_by = row.text(23);
  request.environment = row.text(24);
  request.schedule = row.text(25);
  BATON_TRY_VOID(decode_request(row.text(26), request));
  run.lease = row.text(27);
  run.message = row.text(28);
  run.cancel_reason = row.text(29);
  run.setup_log = row.text(30);
  return found;
}

Result<std::vector<RunRow>> runs_of(const Rows& rows) {
  std::vector<RunRow> runs;
  runs.reserve(rows.size());
  for (const Row& row : rows) {
    BATON_TRY(run, run_of(row));
    runs.push_back(std::move(run));
  }
  return runs;
}

Result<RunPage> list_runs(Session& session, const RunQuery& asked) {
  RunQuery query = asked;
  ++query.limit;  // one more tells whether there is a next page
  std::vector<std::int64_t> suites;
  if (!query.suite.empty()) {
    BATON_TRY(found, suites_of(session, query.suite));
    if (found.empty()) return RunPage{};
    suites = std::move(found);
  }
  Result<std::vector<RunRow>> runs =
      query.text.empty() ? list_by_columns(session, query, suites) : search(session, query, suites);
  if (!runs) return tl::unexpected(runs.error());
  RunPage page;
  page.runs = *std::move(runs);
  if (page.runs.size() > static_cast<std::size_t>(asked.limit)) {
    page.runs.resize(static_cast<std::size_t>(asked.limit));
    page.next_before = page.runs.back().run.id;
  }
  return page;
}

}  // namespace baton::store
