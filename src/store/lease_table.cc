// SPDX-License-Identifier: MIT
#include "store/lease_table.h"

#include "base/text.h"
#include "store/lease_json.h"

namespace baton::store {
namespace {

using model::Lease;

constexpr std::string_view kColumns =
    "SELECT l.seq, l.id, l.state, l.holder, l.run_id, l.supersede_key, l.fence, l.created_at, "
    "l.granted_at, l.ended_at, l.ended_by, l.reason, l.outcome, l.order_key, l.ttl_ms, "
    "l.max_hold_ms, l.grants, l.detail, l.ending FROM lease l ";

std::optional<TimePoint> time_at(const Row& row, std::size_t i) {
  const auto ms = row.optional_integer(i);
  return ms ? std::optional{from_ms(*ms)} : std::nullopt;
}

Result<Lease> lease_of(const Row& row) {
  Lease lease;
  lease.seq = row.integer(0);
  lease.id = row.text(1);
  lease.state = static_cast<model::LeaseState>(row.integer(2));
  lease.request.holder.name = row.text(3);
  if (const auto run = row.optional_integer(4)) lease.request.run = RunId{*run};
  lease.request.supersede_key = row.text(5);
  lease.fence = row.integer(6);
  lease.created_at = from_ms(row.integer(7));
  lease.granted_at = time_at(row, 8);
  lease.ended_at = time_at(row, 9);
  lease.ended_by = row.text(10);
  lease.reason = row.text(11);
  if (const auto outcome = row.optional_integer(12))
    lease.outcome = static_cast<model::LeaseOutcome>(*outcome);
  lease.order_key = row.integer(13);
  lease.ttl = Duration{row.integer(14)};
  if (const auto ms = row.optional_integer(15)) lease.max_hold = Duration{*ms};
  BATON_TRY(grants, decode_grants(row.text(16)));
  lease.grants = std::move(grants);
  BATON_TRY_VOID(decode_lease_request(row.text(17), lease));
  BATON_TRY_VOID(decode_ending(row.text(18), lease));
  return lease;
}

Result<std::vector<Lease>> leases_in(const Rows& rows) {
  std::vector<Lease> leases;
  leases.reserve(rows.size());
  for (const Row& row : rows) {
    BATON_TRY(lease, lease_of(row));
    leases.push_back(std::move(lease));
  }
  return leases;
}

Result<std::optional<Lease>> first_of(const Rows& rows) {
  if (rows.empty()) return std::optional<Lease>{};
  BATON_TRY(lease, lease_of(rows[0]));
  return std::optional{std::move(lease)};
}

Value or_null(std::optional<TimePoint> time) {
  return time ? Value{to_ms(*time)} : Value{std::monostate{}};
}

Value run_or_null(const Lease& lease) {
  return lease.request.run ? Value{raw(*lease.request.run)} : Value{std::monostate{}};
}

Value hold_or_null(const Lease& lease) {
  return lease.max_hold ? Value{std::int64_t{lease.max_hold->count()}} : Value{std::monostate{}};
}

}  // namespace

std::string lease_subject(std::string_view id) { return fmt::format("lease:{}", id); }

std::string lease_of_subject(std::string_view subject) {
  constexpr std::string_view kPrefix = "lease:";
  if (!subject.starts_with(kPrefix)) return {};
  return std::string(subject.substr(kPrefix.size()));
}

std::string lease_event_data(const Lease& lease) {
  std::string data = fmt::format(R"({{"lease":{},"holder":{},"state":"{}")", json_quote(lease.id),
                                 json_quote(lease.request.holder.name), name_of(lease.state));
  if (lease.fence != 0) data += fmt::format(R"(,"fence":{})", lease.fence);
  if (!lease.grants.empty()) data += fmt::format(R"(,"grants":{})", encode_grants(lease.grants));
  if (lease.request.run) data += fmt::format(R"(,"run":{})", raw(*lease.request.run));
  if (!lease.reason.empty()) data += fmt::format(R"(,"reason":{})", json_quote(lease.reason));
  if (!lease.ended_by.empty()) data += fmt::format(R"(,"by":{})", json_quote(lease.ended_by));
  if (lease.outcome) data += fmt::format(R"(,"outcome":"{}")", name_of(*lease.outcome));
  return data + "}";
}

Result<void> insert_lease(Tx& tx, Lease& lease, std::string_view kind) {
  BATON_TRY(seq,
            tx.sql().insert(
                "INSERT INTO lease (id, state, holder, run_id, supersede_key, fence, created_at, "
                "granted_at, ended_at, ended_by, reason, outcome, order_key, ttl_ms, max_hold_ms, "
                "grants, detail, ending) VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, '', '', NULL, ?, ?, "
                "?, ?, ?, '')",
                "seq",
                {lease.id, static_cast<std::int64_t>(lease.state), lease.request.holder.name,
                 run_or_null(lease), lease.request.supersede_key, lease.fence,
                 to_ms(lease.created_at), or_null(lease.granted_at), lease.order_key,
                 std::int64_t{lease.ttl.count()}, hold_or_null(lease), encode_grants(lease.grants),
                 encode_lease_request(lease)}));
  lease.seq = seq;
  BATON_TRY_VOID(tx.append(kind, lease_subject(lease.id), lease_event_data(lease)));
  return {};
}

Result<void> update_lease(Tx& tx, const Lease& lease, std::string_view kind) {
  const Value outcome = lease.outcome ? Value{static_cast<std::int64_t>(*lease.outcome)}
                                      : Value{std::monostate{}};
  BATON_TRY_VOID(tx.sql().exec(
      "UPDATE lease SET state = ?, fence = ?, granted_at = ?, ended_at = ?, ended_by = ?, "
      "reason = ?, outcome = ?, ttl_ms = ?, max_hold_ms = ?, grants = ?, ending = ? "
      "WHERE seq = ?",
      {static_cast<std::int64_t>(lease.state), lease.fence, or_null(lease.granted_at),
       or_null(lease.ended_at), lease.ended_by, lease.reason, outcome,
       std::int64_t{lease.ttl.count()}, hold_or_null(lease), encode_grants(lease.grants),
       encode_ending(lease), lease.seq}));
  BATON_TRY_VOID(tx.append(kind, lease_subject(lease.id), lease_event_data(lease)));
  return {};
}

Result<std::optional<Lease>> find_lease(Session& session, std::string_view id) {
  static const std::string kSql = std::string(kColumns) + "WHERE l.id = ?";
  BATON_TRY(rows, session.query(kSql, {std::string(id)}));
  return first_of(rows);
}

Result<std::optional<Lease>> lease_at(Session& session, std::int64_t seq) {
  static const std::string kSql = std::string(kColumns) + "WHERE l.seq = ?";
  BATON_TRY(rows, session.query(kSql, {seq}));
  return first_of(rows);
}

Result<std::vector<Lease>> list_leases(Session& session, const LeaseFilter& filter,
                                       std::int64_t before, int limit) {
  std::string sql(kColumns);
  std::vector<Value> args;
  const auto add = [&](std::string_view condition) {
    sql += args.empty() ? "WHERE " : " AND ";
    sql += condition;
  };
  add("l.seq < ?");
  args.emplace_back(before > 0 ? before : INT64_MAX);
  if (!filter.environment.empty()) {
    add("(EXISTS (SELECT 1 FROM lease_use u WHERE u.environment = ? AND u.seq = l.seq) OR "
        "EXISTS (SELECT 1 FROM lease_want w WHERE w.seq = l.seq AND w.environment = ?))");
    args.emplace_back(filter.environment);
    args.emplace_back(filter.environment);
  }
  if (filter.state) {
    add("l.state = ?");
    args.emplace_back(static_cast<std::int64_t>(*filter.state));
  }
  const bool live = filter.live_only || (filter.state && static_cast<int>(*filter.state) < 2);
  // The predicate of the partial indexes, word for word: SQLite infers nothing.
  if (live) add("l.state < 2");
  if (!filter.holder.empty()) {
    add("l.holder = ?");
    args.emplace_back(filter.holder);
  }
  sql += " ORDER BY l.seq DESC LIMIT ?";
  args.emplace_back(std::int64_t{limit});
  BATON_TRY(rows, session.query(sql, args));
  return leases_in(rows);
}

Result<std::vector<Lease>> live_leases(Session& session, std::int64_t after, int limit) {
  static const std::string kSql =
      std::string(kColumns) + "WHERE l.state < 2 AND l.seq > ? ORDER BY l.seq LIMIT ?";
  BATON_TRY(rows, session.query(kSql, {after, std::int64_t{limit}}));
  return leases_in(rows);
}

Result<std::vector<Lease>> waiting_of(Session& session, std::string_view holder) {
  static const std::string kSql =
      std::string(kColumns) + "WHERE l.holder = ? AND l.state < 2 AND l.state = 0 ORDER BY l.seq";
  BATON_TRY(rows, session.query(kSql, {std::string(holder)}));
  return leases_in(rows);
}

Result<bool> holds_any(Session& session, std::string_view holder) {
  BATON_TRY(rows, session.query("SELECT 1 FROM lease WHERE holder = ? AND state < 2 AND state = 1 "
                                "LIMIT 1",
                                {std::string(holder)}));
  return !rows.empty();
}

Result<std::vector<std::int64_t>> waiting_with_key(Session& session, std::string_view key) {
  BATON_TRY(rows, session.query("SELECT seq FROM lease WHERE supersede_key = ? AND state = 0 AND "
                                "supersede_key <> '' ORDER BY seq",
                                {std::string(key)}));
  std::vector<std::int64_t> seqs;
  for (const Row& row : rows) seqs.push_back(row.integer(0));
  return seqs;
}

Result<std::int64_t> next_fence(Tx& tx) {
  BATON_TRY_VOID(tx.sql().exec("UPDATE fence SET last = last + 1 WHERE id = 1"));
  BATON_TRY(rows, tx.sql().query("SELECT last FROM fence WHERE id = 1"));
  return rows.at(0).integer(0);
}

Result<void> raise_fence(Tx& tx, std::int64_t floor) {
  return tx.sql().exec("UPDATE fence SET last = ? WHERE id = 1 AND last < ?", {floor, floor});
}

Result<std::vector<Lease>> past_leases(Session& session, std::string_view environment,
                                       std::int64_t before, int limit) {
  static const std::string kSql =
      std::string(kColumns) +
      "JOIN (SELECT DISTINCT seq FROM lease_use WHERE environment = ? AND seq < ? "
      "ORDER BY seq DESC LIMIT ?) u ON u.seq = l.seq ORDER BY l.seq DESC";
  BATON_TRY(rows, session.query(kSql, {std::string(environment), before > 0 ? before : INT64_MAX,
                                       std::int64_t{limit}}));
  return leases_in(rows);
}

Result<int> remove_leases_before(Tx& tx, TimePoint before, int limit) {
  BATON_TRY(rows, tx.sql().query("SELECT seq, grants FROM lease WHERE ended_at IS NOT NULL AND "
                                 "ended_at < ? ORDER BY ended_at, seq LIMIT ?",
                                 {to_ms(before), std::int64_t{limit}}));
  for (const Row& row : rows) {
    BATON_TRY(grants, decode_grants(row.text(1)));
    for (const model::Grant& grant : grants)
      BATON_TRY_VOID(
          tx.sql().exec("DELETE FROM lease_use WHERE environment = ? AND seq = ?",
                        {grant.environment, row.integer(0)}));
    BATON_TRY_VOID(tx.sql().exec("DELETE FROM lease WHERE seq = ?", {row.integer(0)}));
  }
  return static_cast<int>(rows.size());
}

}  // namespace baton::store
