// SPDX-License-Identifier: MIT
#include "store/gate_table.h"

#include "base/text.h"
#include "store/gate_json.h"

namespace baton::store {
namespace {

using model::Gate;
using model::GateState;

constexpr std::string_view kColumns =
    "SELECT g.seq, g.id, g.state, g.verdict, g.source, g.name, g.key, g.link, g.ident, g.run_id, "
    "g.lease, g.reason, g.url, g.opened_by, g.created_at, g.deadline_at, g.decided_at, "
    "g.log_bytes, g.definition, g.watched, g.posted_bytes FROM gate g ";

Result<Gate> gate_of(const Row& row) {
  Gate gate;
  BATON_TRY_VOID(decode_gate_request(row.text(18), gate.request));
  gate.seq = row.integer(0);
  gate.id = row.text(1);
  gate.state = static_cast<GateState>(row.integer(2));
  gate.verdict = static_cast<model::GateVerdict>(row.integer(3));
  gate.source = static_cast<model::VerdictSource>(row.integer(4));
  gate.request.name = row.text(5);
  gate.request.key = row.text(6);
  gate.link = row.text(7);
  gate.ident = row.text(8);
  gate.request.subject.run = RunId{row.integer(9)};
  gate.lease = row.text(10);
  gate.reason = row.text(11);
  gate.url = row.text(12);
  gate.opened_by = row.text(13);
  gate.created_at = from_ms(row.integer(14));
  gate.deadline_at = from_ms(row.integer(15));
  if (const auto ms = row.optional_integer(16)) gate.decided_at = from_ms(*ms);
  gate.log_bytes = row.integer(17);
  gate.watched = row.text(19);
  gate.posted_bytes = row.integer(20);
  return gate;
}

Result<std::vector<Gate>> gates_in(const Rows& rows) {
  std::vector<Gate> gates;
  gates.reserve(rows.size());
  for (const Row& row : rows) {
    BATON_TRY(gate, gate_of(row));
    gates.push_back(std::move(gate));
  }
  return gates;
}

Result<std::vector<Gate>> gates_where(Session& session, std::string_view where,
                                      std::span<const Value> args) {
  BATON_TRY(rows, session.query(std::string(kColumns) + std::string(where), args));
  return gates_in(rows);
}

Result<std::optional<Gate>> gate_where(Session& session, std::string_view where,
                                       std::initializer_list<Value> args) {
  BATON_TRY(found, gates_where(session, where, std::span(args.begin(), args.size())));
  if (found.empty()) return std::optional<Gate>{};
  return std::optional{std::move(found.front())};
}

Value run_or_null(RunId run) {
  return raw(run) > 0 ? Value{raw(run)} : Value{std::monostate{}};
}

constexpr std::string_view kSubject = "gate:";

}  // namespace

std::string gate_subject(std::string_view id) { return fmt::format("{}{}", kSubject, id); }

std::string gate_of_subject(std::string_view subject) {
  if (!subject.starts_with(kSubject)) return {};
  return std::string(subject.substr(kSubject.size()));
}

std::string watcher_of(const model::Subject& subject) {
  switch (subject.kind) {
    case model::SubjectKind::run:
    case model::SubjectKind::suite:
      return "run";
    case model::SubjectKind::testkube:
      return "testkube/" + subject.testkube.profile;
    case model::SubjectKind::external:
      break;
  }
  return {};
}

std::string gate_event_data(const Gate& gate) {
  std::string data = fmt::format(R"({{"gate":{},"state":"{}")", json_quote(gate.id),
                                 name_of(gate.state));
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) data += fmt::format(R"(,"{}":{})", name, json_quote(value));
  };
  add("verdict", name_of(gate.verdict));
  add("source", name_of(gate.source));
  add("reason", gate.reason);
  add("name", gate.request.name);
  add("key", gate.request.key);
  add("link", gate.link);
  if (raw(gate.request.subject.run) > 0)
    data += fmt::format(R"(,"run":{})", raw(gate.request.subject.run));
  return data + "}";
}

Result<void> insert_gate(Tx& tx, Gate& gate) {
  const model::GateRequest& request = gate.request;
  BATON_TRY(seq,
            tx.sql().insert(
                "INSERT INTO gate (id, state, verdict, source, name, key, link, ident, run_id, "
                "watcher, lease, reason, url, opened_by, created_at, deadline_at, log_bytes, "
                "definition, watched) VALUES "
                "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                "seq",
                {gate.id, static_cast<std::int64_t>(gate.state),
                 static_cast<std::int64_t>(gate.verdict), static_cast<std::int64_t>(gate.source),
                 request.name, request.key, gate.link, gate.ident,
                 run_or_null(request.subject.run), watcher_of(request.subject), gate.lease,
                 gate.reason, gate.url, gate.opened_by, to_ms(gate.created_at),
                 to_ms(gate.deadline_at), gate.log_bytes, encode_gate_request(request),
                 gate.watched}));
  gate.seq = seq;
  for (const auto& [name, value] : request.labels)
    BATON_TRY_VOID(tx.sql().exec("INSERT INTO gate_label (name, value, gate) VALUES (?, ?, ?)",
                                 {name, value, seq}));
  BATON_TRY_VOID(tx.append("gate.opened", gate_subject(gate.id), gate_event_data(gate)));
  return {};
}

Result<void> update_gate(Tx& tx, const Gate& gate, std::string_view kind) {
  BATON_TRY_VOID(tx.sql().exec(
      "UPDATE gate SET state = ?, verdict = ?, source = ?, run_id = ?, lease = ?, reason = ?, "
      "url = ?, deadline_at = ?, decided_at = ?, watched = ? WHERE seq = ?",
      {static_cast<std::int64_t>(gate.state), static_cast<std::int64_t>(gate.verdict),
       static_cast<std::int64_t>(gate.source), run_or_null(gate.request.subject.run), gate.lease,
       gate.reason, gate.url, to_ms(gate.deadline_at),
       gate.decided_at ? Value{to_ms(*gate.decided_at)} : Value{std::monostate{}}, gate.watched,
       gate.seq}));
  BATON_TRY_VOID(tx.append(kind, gate_subject(gate.id), gate_event_data(gate)));
  return {};
}

Result<void> set_gate_log(Tx& tx, std::string_view id, std::int64_t bytes, std::int64_t posted) {
  BATON_TRY_VOID(tx.sql().exec("UPDATE gate SET log_bytes = ?, posted_bytes = posted_bytes + ? "
                               "WHERE id = ?",
                               {bytes, posted, std::string(id)}));
  BATON_TRY_VOID(tx.append("gate.log", gate_subject(id), fmt::format(R"({{"bytes":{}}})", bytes)));
  return {};
}

Result<std::optional<Gate>> find_gate(Session& session, std::string_view id) {
  return gate_where(session, "WHERE g.id = ?", {std::string(id)});
}

Result<std::optional<Gate>> gate_of_call(Session& session, std::string_view link,
                                         std::string_view ident) {
  return gate_where(session, "WHERE g.ident <> '' AND g.link = ? AND g.ident = ?",
                    {std::string(link), std::string(ident)});
}

Result<std::vector<Gate>> pending_gates(Session& session, std::string_view watcher,
                                        std::int64_t after, int limit) {
  const std::array<Value, 3> args{std::string(watcher), after, std::int64_t{limit}};
  return gates_where(session,
                     "WHERE g.state = 0 AND g.watcher = ? AND g.seq > ? ORDER BY g.seq LIMIT ?",
                     args);
}

Result<std::vector<Gate>> all_pending_gates(Session& session, std::int64_t after, int limit) {
  const std::array<Value, 2> args{after, std::int64_t{limit}};
  return gates_where(session, "WHERE g.state = 0 AND g.seq > ? ORDER BY g.seq LIMIT ?", args);
}

Result<std::vector<Gate>> gates_of_run(Session& session, RunId run) {
  const std::array<Value, 1> args{raw(run)};
  return gates_where(session, "WHERE g.run_id = ? ORDER BY g.seq", args);
}

Result<std::vector<Gate>> told_of_run(Session& session, RunId run) {
  const std::array<Value, 3> args{raw(run), static_cast<std::int64_t>(model::Stage::progress),
                                  static_cast<std::int64_t>(model::Stage::status)};
  return gates_where(session,
                     "WHERE g.run_id = ? AND g.state = 0 AND EXISTS (SELECT 1 FROM delivery d "
                     "WHERE d.gate = g.id AND d.state = 0 AND d.stage IN (?, ?)) ORDER BY g.seq",
                     args);
}

Result<std::optional<Gate>> pending_of_key(Session& session, std::string_view key) {
  return gate_where(session, "WHERE g.key <> '' AND g.key = ? AND g.state = 0", {std::string(key)});
}

Result<std::vector<Gate>> pending_named(Session& session, std::string_view name) {
  // Two searches, each with an index of its own.
  const std::array<Value, 2> args{std::string(name), std::string(name)};
  return gates_where(session,
                     "WHERE g.seq IN (SELECT seq FROM gate WHERE state = 0 AND watcher = '' AND "
                     "name = ? UNION SELECT seq FROM gate WHERE state = 0 AND watcher = '' AND "
                     "key <> '' AND key = ?) ORDER BY g.seq LIMIT 100",
                     args);
}

Result<std::vector<Gate>> list_gates(Session& session, const GateFilter& filter,
                                     std::int64_t before, int limit) {
  std::string where = "WHERE 1 = 1";
  std::vector<Value> args;
  const auto add = [&](std::string_view clause, std::initializer_list<Value> values) {
    where += " AND ";
    where += clause;
    args.insert(args.end(), values.begin(), values.end());
  };
  if (before > 0) add("g.seq < ?", {before});
  // In the text: an index of one state is not found by a parameter.
  if (filter.state) add(fmt::format("g.state = {}", static_cast<int>(*filter.state)), {});
  if (!filter.key.empty()) add("g.key <> '' AND g.key = ?", {filter.key});
  if (!filter.link.empty())
    add("(g.link = ? OR EXISTS (SELECT 1 FROM delivery d WHERE d.gate = g.id AND d.link = ?))",
        {filter.link, filter.link});
  for (const auto& [name, value] : filter.labels)
    add("EXISTS (SELECT 1 FROM gate_label x WHERE x.name = ? AND x.value = ? AND x.gate = g.seq)",
        {name, value});
  args.emplace_back(std::int64_t{limit});
  return gates_where(session, where + " ORDER BY g.seq DESC LIMIT ?", args);
}

Result<GateCounts> count_gates(Session& session) {
  BATON_TRY(rows, session.query("SELECT COUNT(*) FROM gate WHERE state = 0"));
  return GateCounts{rows.at(0).integer(0)};
}

Result<void> put_gate_secret(Tx& tx, std::string_view gate, std::string_view data) {
  return tx.sql().exec("INSERT INTO gate_secret (gate, data) VALUES (?, ?) "
                       "ON CONFLICT (gate) DO UPDATE SET data = excluded.data",
                       {std::string(gate), std::string(data)});
}

Result<void> remove_gate_secret(Tx& tx, std::string_view gate) {
  return tx.sql().exec("DELETE FROM gate_secret WHERE gate = ?", {std::string(gate)});
}

Result<std::string> gate_secret(Session& session, std::string_view gate) {
  BATON_TRY(rows,
            session.query("SELECT data FROM gate_secret WHERE gate = ?", {std::string(gate)}));
  return rows.empty() ? std::string{} : rows[0].text(0);
}

}  // namespace baton::store
