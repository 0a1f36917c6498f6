// SPDX-License-Identifier: MIT
#include "store/lease_table.h"

#include "base/text.h"
#include "store/lease_json.h"
#include "store/row_cache.h"

namespace baton::store {
namespace {

using model::Lease;

// So many fences are taken from the table at once: it holds one that none is beyond. Those that a
// server did not give are never given.
constexpr std::int64_t kFencesReserved = 1'000;

constexpr std::string_view kColumns =
    "SELECT l.seq, l.id, l.state, l.holder, l.run_id, l.supersede_key, l.fence, l.created_at, "
    "l.granted_at, l.ended_at, l.ended_by, l.reason, l.outcome, l.order_key, l.ttl_ms, "
    "l.max_hold_ms, l.grants, l.detail, l.ending, l.expires_at FROM lease l ";

// They are few, and the partial index tells which, if it is asked word for word: SQLite infers
// nothing. Otherwise it would walk through the history.
constexpr std::string_view kIsLive = "l.seq IN (SELECT seq FROM lease WHERE state < 2)";

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
  lease.expires_at = time_at(row, 19);
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

// Who holds something comes back soon; of those who wait there are too many.
void written(Tx& tx, const Lease& lease) {
  if (lease.expires_at) tx.note_due(*lease.expires_at);
  RowCache* cache = tx.sql().cache();
  if (!cache) return;
  if (lease.state == model::LeaseState::held) {
    cache->leases.put(lease.id, lease);
  } else {
    cache->leases.drop(lease.id);
  }
}

// With its uses.
Result<void> remove_ended(Tx& tx, std::int64_t seq, const std::string& grants_text) {
  BATON_TRY(grants, decode_grants(grants_text));
  for (const model::Grant& grant : grants)
    BATON_TRY_VOID(tx.sql().exec("DELETE FROM lease_use WHERE environment = ? AND seq = ?",
                                 {grant.environment, seq}));
  return tx.sql().exec("DELETE FROM lease WHERE seq = ?", {seq});
}

}  // namespace

std::string lease_subject(std::string_view id) { return fmt::format("lease:{}", id); }

std::string lease_of_subject(std::string_view subject) {
  constexpr std::string_view kPrefix = "lease:";
  if (!subject.starts_with(kPrefix)) return {};
  return std::string(subject.substr(kPrefix.size()));
}

std::string lease_event_data(const Lease& lease) {
  std::string data;
  data.reserve(256);
  const auto add = [&](std::string_view member, std::string_view value) {
    data += data.empty() ? "{" : ",";
    data += member;
    data += value;
  };
  add(R"("lease":)", json_quote(lease.id));
  add(R"("holder":)", json_quote(lease.request.holder.name));
  add(R"("state":)", json_quote(name_of(lease.state)));
  if (lease.fence != 0) add(R"("fence":)", std::to_string(lease.fence));
  if (!lease.grants.empty()) add(R"("grants":)", encode_grants(lease.grants));
  if (lease.request.run) add(R"("run":)", std::to_string(raw(*lease.request.run)));
  if (!lease.request.notify_url.empty()) add(R"("notify":)", "true");
  if (!lease.reason.empty()) add(R"("reason":)", json_quote(lease.reason));
  if (!lease.ended_by.empty()) add(R"("by":)", json_quote(lease.ended_by));
  if (lease.outcome) add(R"("outcome":)", json_quote(name_of(*lease.outcome)));
  return data + "}";
}

Result<void> insert_lease(Tx& tx, Lease& lease, std::string_view kind) {
  BATON_TRY(seq,
            tx.sql().insert(
                "INSERT INTO lease (id, state, holder, run_id, supersede_key, fence, created_at, "
                "granted_at, ended_at, ended_by, reason, outcome, order_key, ttl_ms, max_hold_ms, "
                "grants, detail, ending, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, '', '', "
                "NULL, ?, ?, ?, ?, ?, '', ?)",
                "seq",
                {lease.id, static_cast<std::int64_t>(lease.state), lease.request.holder.name,
                 run_or_null(lease), lease.request.supersede_key, lease.fence,
                 to_ms(lease.created_at), or_null(lease.granted_at), lease.order_key,
                 std::int64_t{lease.ttl.count()}, hold_or_null(lease), encode_grants(lease.grants),
                 encode_lease_request(lease), or_null(lease.expires_at)}));
  lease.seq = seq;
  written(tx, lease);
  BATON_TRY_VOID(tx.append(kind, lease_subject(lease.id), lease_event_data(lease)));
  return {};
}

Result<void> update_lease(Tx& tx, const Lease& lease, std::string_view kind) {
  const Value outcome = lease.outcome ? Value{static_cast<std::int64_t>(*lease.outcome)}
                                      : Value{std::monostate{}};
  BATON_TRY_VOID(tx.sql().exec(
      "UPDATE lease SET state = ?, fence = ?, granted_at = ?, ended_at = ?, ended_by = ?, "
      "reason = ?, outcome = ?, ttl_ms = ?, max_hold_ms = ?, grants = ?, ending = ?, "
      "expires_at = ? "
      "WHERE seq = ?",
      {static_cast<std::int64_t>(lease.state), lease.fence, or_null(lease.granted_at),
       or_null(lease.ended_at), lease.ended_by, lease.reason, outcome,
       std::int64_t{lease.ttl.count()}, hold_or_null(lease), encode_grants(lease.grants),
       encode_ending(lease), or_null(lease.expires_at), lease.seq}));
  written(tx, lease);
  BATON_TRY_VOID(tx.append(kind, lease_subject(lease.id), lease_event_data(lease)));
  return {};
}

Result<std::optional<Lease>> find_lease(Session& session, std::string_view id) {
  RowCache* cache = session.cache();
  if (cache)
    if (const Lease* known = cache->leases.find(id)) return std::optional{*known};
  static const std::string kSql = std::string(kColumns) + "WHERE l.id = ?";
  BATON_TRY(rows, session.query(kSql, {std::string(id)}));
  BATON_TRY(found, first_of(rows));
  if (cache && found && found->state == model::LeaseState::held)
    cache->leases.remember(id, *found);
  return std::move(found);
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
        "EXISTS (SELECT 1 FROM lease_want w WHERE w.seq = l.seq AND w.environment = ?) OR "
        "l.id IN (SELECT lease FROM slot WHERE environment = ? AND state = 1))");
    args.insert(args.end(), 3, filter.environment);
  }
  if (filter.state) {
    add("l.state = ?");
    args.emplace_back(static_cast<std::int64_t>(*filter.state));
  }
  const bool live = filter.live_only || (filter.state && static_cast<int>(*filter.state) < 2);
  if (live) add(kIsLive);
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
      fmt::format("{}WHERE l.seq > ? AND {} ORDER BY l.seq LIMIT ?", kColumns, kIsLive);
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
  RowCache* cache = tx.sql().cache();
  if (cache && cache->fences.last < cache->fences.reserved) return ++cache->fences.last;
  BATON_TRY(rows, tx.sql().query("SELECT last FROM fence WHERE id = 1"));
  const std::int64_t next = rows.at(0).integer(0) + 1;
  const std::int64_t reserved = cache ? next + kFencesReserved : next;
  BATON_TRY_VOID(tx.sql().exec("UPDATE fence SET last = ? WHERE id = 1", {reserved}));
  if (cache) cache->fences = {next, reserved, true};
  return next;
}

Result<void> raise_fence(Tx& tx, std::int64_t floor) {
  if (RowCache* cache = tx.sql().cache()) cache->fences = {.written = true};
  return tx.sql().exec("UPDATE fence SET last = ? WHERE id = 1 AND last < ?", {floor, floor});
}

Result<std::vector<Lease>> past_leases(Session& session, std::string_view environment,
                                       std::int64_t before, int limit) {
  static const std::string kSql =
      std::string(kColumns) +
      "JOIN (SELECT seq FROM (SELECT DISTINCT seq FROM lease_use WHERE environment = ? AND seq < ? "
      "ORDER BY seq DESC LIMIT ?) AS past UNION SELECT h.seq FROM slot s JOIN lease h ON "
      "h.id = s.lease WHERE s.environment = ? AND s.state = 1 AND h.seq < ?) u ON u.seq = l.seq "
      "ORDER BY l.seq DESC LIMIT ?";
  const std::string name(environment);
  const std::int64_t bound = before > 0 ? before : INT64_MAX;
  BATON_TRY(rows, session.query(kSql, {name, bound, std::int64_t{limit}, name, bound,
                                       std::int64_t{limit}}));
  return leases_in(rows);
}

Result<int> remove_leases_before(Tx& tx, TimePoint before, int limit) {
  // In the order of arrival, up to one that came later: those before it that live still, or lived
  // long, are few.
  std::int64_t after = 0;
  for (int removed = 0;;) {
    BATON_TRY(rows, tx.sql().query("SELECT seq, grants, created_at, ended_at FROM lease "
                                   "WHERE seq > ? ORDER BY seq LIMIT ?",
                                   {after, std::int64_t{limit}}));
    for (const Row& row : rows) {
      after = row.integer(0);
      if (row.integer(2) >= to_ms(before) || removed == limit) return removed;
      if (row.is_null(3) || row.integer(3) >= to_ms(before)) continue;
      BATON_TRY_VOID(remove_ended(tx, after, row.text(1)));
      ++removed;
    }
    if (rows.size() < static_cast<std::size_t>(limit)) return removed;
  }
}

}  // namespace baton::store
