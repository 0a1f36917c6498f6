// SPDX-License-Identifier: MIT
// The queues and the uses of leases: small rows that every grant touches.
#include "store/lease_table.h"
#include "store/row_cache.h"

namespace baton::store {
namespace {

// Those that began before a time. A slot that one has for himself tells who that is, and he has his
// row of lease_use when he leaves it; sharers have theirs from the beginning.
constexpr std::string_view kCurrentUses =
    "SELECT s.number, s.mode, l.seq, l.fence, l.granted_at, l.ended_at FROM slot s "
    "JOIN lease l ON l.id = s.lease WHERE s.environment = ? AND s.state = 1 AND s.mode = 0 "
    "AND l.granted_at < ? "
    "UNION ALL SELECT slot, mode, seq, fence, from_at, to_at FROM lease_use "
    "WHERE environment = ? AND to_at IS NULL AND from_at < ?";

Use use_of(const Row& row) {
  Use use;
  use.slot = static_cast<int>(row.integer(0));
  use.mode = static_cast<model::LeaseMode>(row.integer(1));
  use.seq = row.integer(2);
  use.fence = row.integer(3);
  use.from = from_ms(row.integer(4));
  if (const auto ms = row.optional_integer(5)) use.to = from_ms(*ms);
  return use;
}

std::vector<Use> uses_in(const Rows& rows) {
  std::vector<Use> uses;
  uses.reserve(rows.size());
  for (const Row& row : rows) uses.push_back(use_of(row));
  return uses;
}

}  // namespace

Result<void> add_want(Tx& tx, std::string_view environment, Place place) {
  return tx.sql().exec(
      "INSERT INTO lease_want (environment, order_key, seq) VALUES (?, ?, ?) "
      "ON CONFLICT (environment, order_key, seq) DO NOTHING",
      {std::string(environment), place.order_key, place.seq});
}

Result<void> remove_want(Tx& tx, std::string_view environment, std::int64_t seq) {
  return tx.sql().exec("DELETE FROM lease_want WHERE seq = ? AND environment = ?",
                       {seq, std::string(environment)});
}

Result<void> remove_wants(Tx& tx, std::int64_t seq) {
  return tx.sql().exec("DELETE FROM lease_want WHERE seq = ?", {seq});
}

Result<std::vector<std::string>> wanted_by(Session& session, std::int64_t seq) {
  BATON_TRY(rows, session.query(
                      "SELECT environment FROM lease_want WHERE seq = ? ORDER BY environment",
                      {seq}));
  std::vector<std::string> names;
  for (const Row& row : rows) names.push_back(row.text(0));
  return names;
}

Result<std::vector<Place>> queue_page(Session& session, std::string_view environment, Place after,
                                      int limit) {
  BATON_TRY(rows, session.query("SELECT order_key, seq FROM lease_want WHERE environment = ? AND "
                                "(order_key, seq) > (?, ?) ORDER BY order_key, seq LIMIT ?",
                                {std::string(environment), after.order_key, after.seq,
                                 std::int64_t{limit}}));
  std::vector<Place> places;
  for (const Row& row : rows) places.push_back({row.integer(0), row.integer(1)});
  return places;
}

Result<bool> has_queue(Session& session, std::string_view environment) {
  BATON_TRY(rows, session.query("SELECT 1 FROM lease_want WHERE environment = ? LIMIT 1",
                                {std::string(environment)}));
  return !rows.empty();
}

Result<int> queue_length(Session& session, std::string_view environment) {
  BATON_TRY(rows, session.query("SELECT COUNT(*) FROM lease_want WHERE environment = ?",
                                {std::string(environment)}));
  return static_cast<int>(rows.at(0).integer(0));
}

Result<std::vector<std::string>> queued_environments(Session& session) {
  BATON_TRY(rows,
            session.query("SELECT DISTINCT environment FROM lease_want ORDER BY environment"));
  std::vector<std::string> names;
  for (const Row& row : rows) names.push_back(row.text(0));
  return names;
}

Result<int> ahead_in_queue(Session& session, const model::Lease& lease) {
  BATON_TRY(rows,
            session.query("SELECT COALESCE(MAX(n), 0) FROM (SELECT (SELECT COUNT(*) FROM "
                          "lease_want o WHERE o.environment = w.environment AND "
                          "(o.order_key, o.seq) < (w.order_key, w.seq)) AS n "
                          "FROM lease_want w WHERE w.seq = ?) AS each_queue",
                          {lease.seq}));
  return static_cast<int>(rows.at(0).integer(0));
}

Result<void> shift_queues(Tx& tx, std::int64_t by) {
  if (RowCache* cache = tx.sql().cache()) cache->leases.drop_all();
  BATON_TRY_VOID(tx.sql().exec("UPDATE lease_want SET order_key = order_key - ?", {by}));
  return tx.sql().exec("UPDATE lease SET order_key = order_key - ? WHERE state < 2", {by});
}

Result<std::optional<std::int64_t>> last_order_key(Session& session) {
  BATON_TRY(rows, session.query("SELECT MAX(order_key) FROM lease WHERE state < 2"));
  return rows.at(0).optional_integer(0);
}

Result<void> begin_use(Tx& tx, const model::Lease& lease, const model::Grant& grant) {
  if (grant.mode == model::LeaseMode::exclusive) return {};
  return tx.sql().exec(
      "INSERT INTO lease_use (environment, seq, slot, mode, fence, from_at, to_at) "
      "VALUES (?, ?, ?, ?, ?, ?, NULL)",
      {grant.environment, lease.seq, std::int64_t{grant.slot},
       static_cast<std::int64_t>(grant.mode), lease.fence, to_ms(tx.now().wall)});
}

Result<void> end_use(Tx& tx, const model::Lease& lease, const model::Grant& grant) {
  const std::int64_t now = to_ms(tx.now().wall);
  if (grant.mode == model::LeaseMode::shared)
    return tx.sql().exec(
        "UPDATE lease_use SET to_at = ? WHERE environment = ? AND seq = ? AND slot = ?",
        {now, grant.environment, lease.seq, std::int64_t{grant.slot}});
  return tx.sql().exec(
      "INSERT INTO lease_use (environment, seq, slot, mode, fence, from_at, to_at) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      {grant.environment, lease.seq, std::int64_t{grant.slot},
       static_cast<std::int64_t>(grant.mode), lease.fence,
       to_ms(lease.granted_at.value_or(tx.now().wall)), now});
}

Result<std::vector<Use>> current_uses(Session& session, std::string_view environment) {
  static const std::string kSql = fmt::format("{} ORDER BY 1, 3", kCurrentUses);
  const std::string name(environment);
  BATON_TRY(rows, session.query(kSql, {name, INT64_MAX, name, INT64_MAX}));
  return uses_in(rows);
}

Result<std::vector<Use>> uses_between(Session& session, std::string_view environment,
                                      TimePoint from, TimePoint to) {
  static const std::string kSql =
      fmt::format("SELECT slot, mode, seq, fence, from_at, to_at FROM lease_use "
                  "WHERE environment = ? AND to_at IS NOT NULL AND to_at > ? AND from_at < ? "
                  "UNION ALL {} ORDER BY 5, 3, 1",
                  kCurrentUses);
  const std::string name(environment);
  BATON_TRY(rows, session.query(kSql, {name, to_ms(from), to_ms(to), name, to_ms(to), name,
                                       to_ms(to)}));
  return uses_in(rows);
}

Result<std::optional<Duration>> usual_hold(Session& session, std::string_view environment,
                                           int limit) {
  BATON_TRY(
      rows,
      session.query(
          "SELECT COUNT(*), CAST(SUM(to_at - from_at) AS BIGINT) FROM (SELECT from_at, to_at FROM "
          "lease_use WHERE environment = ? AND to_at IS NOT NULL "
          "ORDER BY to_at DESC LIMIT ?) AS newest",
          {std::string(environment), std::int64_t{limit}}));
  const std::int64_t count = rows.at(0).integer(0);
  if (count == 0) return std::optional<Duration>{};
  return std::optional{Duration{rows[0].integer(1) / count}};
}

}  // namespace baton::store
