// SPDX-License-Identifier: MIT
#include "store/token_table.h"

#include "base/text.h"

namespace baton::store {
namespace {

constexpr std::string_view kColumns =
    "SELECT id, name, scope, run_id, created_at, expires_at, last_used_at FROM token ";

model::Token token_of(const Row& row) {
  model::Token token;
  token.id = row.text(0);
  token.name = row.text(1);
  token.scope = static_cast<model::Scope>(row.integer(2));
  if (const auto run = row.optional_integer(3)) token.run = RunId{*run};
  token.created_at = from_ms(row.integer(4));
  if (const auto ms = row.optional_integer(5)) token.expires_at = from_ms(*ms);
  if (const auto ms = row.optional_integer(6)) token.last_used_at = from_ms(*ms);
  return token;
}

std::optional<model::Token> first_of(const Rows& rows) {
  if (rows.empty()) return std::nullopt;
  return token_of(rows[0]);
}

Value number_or_null(std::optional<std::int64_t> number) {
  return number ? Value{*number} : Value{std::monostate{}};
}

std::string subject_of(std::string_view id) { return fmt::format("token:{}", id); }

}  // namespace

Result<void> insert_token(Tx& tx, const model::Token& token, std::string_view hash) {
  std::optional<std::int64_t> run;
  if (token.run) run = raw(*token.run);
  std::optional<std::int64_t> expires;
  if (token.expires_at) expires = to_ms(*token.expires_at);
  BATON_TRY_VOID(tx.sql().exec("INSERT INTO token (id, name, scope, hash, run_id, created_at, "
                               "expires_at, last_used_at) VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
                               {token.id, token.name, static_cast<std::int64_t>(token.scope),
                                std::string(hash), number_or_null(run), to_ms(token.created_at),
                                number_or_null(expires)}));
  BATON_TRY_VOID(tx.append("token.created", subject_of(token.id),
                           fmt::format(R"({{"name":{},"scope":"{}"}})", json_quote(token.name),
                                       name_of(token.scope))));
  return {};
}

Result<void> remove_token(Tx& tx, std::string_view id) {
  BATON_TRY_VOID(tx.sql().exec("DELETE FROM token WHERE id = ?", {std::string(id)}));
  BATON_TRY_VOID(tx.append("token.revoked", subject_of(id)));
  return {};
}

Result<void> remove_runner_tokens(Tx& tx, RunId run) {
  return tx.sql().exec("DELETE FROM token WHERE run_id = ?", {raw(run)});
}

Result<void> expire_runner_tokens(Tx& tx, RunId run, TimePoint at) {
  return tx.sql().exec("UPDATE token SET expires_at = ? WHERE run_id = ?", {to_ms(at), raw(run)});
}

Result<void> remove_expired_runner_tokens(Tx& tx, TimePoint wall) {
  return tx.sql().exec("DELETE FROM token WHERE run_id IS NOT NULL AND expires_at <= ?",
                       {to_ms(wall)});
}

Result<void> set_token_used(Tx& tx, std::string_view id, TimePoint at) {
  return tx.sql().exec("UPDATE token SET last_used_at = ? WHERE id = ?",
                       {to_ms(at), std::string(id)});
}

Result<std::optional<model::Token>> find_token(Session& session, std::string_view id) {
  static const std::string kSql = std::string(kColumns) + "WHERE id = ?";
  BATON_TRY(rows, session.query(kSql, {std::string(id)}));
  return first_of(rows);
}

Result<std::optional<model::Token>> find_token_by_hash(Session& session, std::string_view hash) {
  static const std::string kSql = std::string(kColumns) + "WHERE hash = ?";
  BATON_TRY(rows, session.query(kSql, {std::string(hash)}));
  return first_of(rows);
}

Result<std::vector<model::Token>> list_tokens(Session& session) {
  static const std::string kSql =
      std::string(kColumns) + "WHERE scope <> 0 ORDER BY created_at DESC, id";
  BATON_TRY(rows, session.query(kSql));
  std::vector<model::Token> tokens;
  for (const Row& row : rows) tokens.push_back(token_of(row));
  return tokens;
}

Result<void> insert_audit(Tx& tx, const model::AuditEntry& entry) {
  return tx.sql().exec(
      "INSERT INTO audit (at, actor, action, subject, detail, request_id, address) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      {to_ms(entry.at), entry.actor, entry.action, entry.subject, entry.detail, entry.request_id,
       entry.address});
}

Result<std::vector<model::AuditEntry>> list_audit(Session& session, std::int64_t before,
                                                  int limit) {
  BATON_TRY(rows,
            session.query("SELECT id, at, actor, action, subject, detail, request_id, address "
                          "FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?",
                          {before > 0 ? before : INT64_MAX, std::int64_t{limit}}));
  std::vector<model::AuditEntry> entries;
  for (const Row& row : rows)
    entries.push_back({row.integer(0), from_ms(row.integer(1)), row.text(2), row.text(3),
                       row.text(4), row.text(5), row.text(6), row.text(7)});
  return entries;
}

}  // namespace baton::store
