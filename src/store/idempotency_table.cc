// SPDX-License-Identifier: MIT
#include "store/idempotency_table.h"

namespace baton::store {

Result<std::optional<IdempotencyRow>> find_answer(Session& session, std::string_view scope,
                                                  std::string_view key, TimePoint wall) {
  BATON_TRY(rows, session.query("SELECT body_hash, status, location, body FROM idempotency "
                                "WHERE scope = ? AND name = ? AND expires_at > ?",
                                {std::string(scope), std::string(key), to_ms(wall)}));
  if (rows.empty()) return std::optional<IdempotencyRow>{};
  const Row& row = rows[0];
  return std::optional{IdempotencyRow{
      row.text(0), {static_cast<int>(row.integer(1)), row.text(2), row.text(3)}}};
}

Result<void> put_answer(Tx& tx, std::string_view scope, std::string_view key,
                        const IdempotencyRow& row, TimePoint expires_at) {
  return tx.sql().exec("INSERT INTO idempotency (scope, name, body_hash, status, location, body, "
                       "expires_at) VALUES (?, ?, ?, ?, ?, ?, ?) "
                       "ON CONFLICT (scope, name) DO UPDATE SET body_hash = excluded.body_hash, "
                       "status = excluded.status, location = excluded.location, "
                       "body = excluded.body, expires_at = excluded.expires_at",
                       {std::string(scope), std::string(key), row.body_hash,
                        std::int64_t{row.answer.status}, row.answer.location, row.answer.body,
                        to_ms(expires_at)});
}

Result<int> remove_expired_answers(Tx& tx, TimePoint wall, int limit) {
  BATON_TRY(rows, tx.sql().query("SELECT scope, name FROM idempotency WHERE expires_at <= ? "
                                 "ORDER BY expires_at LIMIT ?",
                                 {to_ms(wall), std::int64_t{limit}}));
  for (const Row& row : rows)
    BATON_TRY_VOID(tx.sql().exec("DELETE FROM idempotency WHERE scope = ? AND name = ?",
                                 {row.text(0), row.text(1)}));
  return static_cast<int>(rows.size());
}

}  // namespace baton::store
