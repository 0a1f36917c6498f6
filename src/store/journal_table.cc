// SPDX-License-Identifier: MIT
#include "store/journal_table.h"

#include "store/lease_table.h"

namespace baton::store {

Result<std::optional<Seq>> reader_position(Session& session, std::string_view name) {
  BATON_TRY(rows,
            session.query("SELECT seq FROM journal_reader WHERE name = ?", {std::string(name)}));
  if (rows.empty()) return std::optional<Seq>{};
  return std::optional<Seq>{rows[0].integer(0)};
}

Result<void> set_reader_position(Tx& tx, std::string_view name, Seq seq) {
  return tx.sql().exec(
      "INSERT INTO journal_reader (name, seq, seen_at) VALUES (?, ?, ?) "
      "ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, "
      "seen_at = excluded.seen_at WHERE journal_reader.seq < excluded.seq",
      {std::string(name), seq, to_ms(tx.now().wall)});
}

Result<int> prune_journal(Tx& tx, TimePoint before, int limit) {
  // The newest of the oldest `limit` events; a wall clock that was set back keeps some for longer.
  BATON_TRY(rows, tx.sql().query("SELECT seq, at FROM event WHERE seq <= COALESCE((SELECT MIN(seq) "
                                 "FROM journal_reader), ?) ORDER BY seq LIMIT ?",
                                 {INT64_MAX, std::int64_t{limit}}));
  Seq bound = 0;
  int count = 0;
  for (const Row& row : rows) {
    if (row.integer(1) >= to_ms(before)) break;
    bound = row.integer(0);
    ++count;
  }
  if (count > 0) BATON_TRY_VOID(tx.sql().exec("DELETE FROM event WHERE seq <= ?", {bound}));
  return count;
}

Result<std::optional<TimePoint>> find_deadline(Session& session, std::string_view kind,
                                               std::string_view subject) {
  if (kind == kInLeaseRow) {
    BATON_TRY(lease, find_lease(session, lease_of_subject(subject)));
    return lease ? lease->expires_at : std::nullopt;
  }
  BATON_TRY(rows, session.query("SELECT due FROM deadline WHERE kind = ? AND subject = ?",
                                {std::string(kind), std::string(subject)}));
  if (rows.empty()) return std::optional<TimePoint>{};
  return std::optional{from_ms(rows[0].integer(0))};
}

}  // namespace baton::store
