// SPDX-License-Identifier: MIT
#include "engine/token_ops.h"

#include <algorithm>

#include "base/text.h"
#include "store/sha256.h"
#include "store/token_table.h"

namespace baton::engine {
namespace {

bool is_valid(const model::Token& token, TimePoint wall) {
  return !token.expires_at || *token.expires_at > wall;
}

}  // namespace

std::string hash_of_secret(std::string_view secret) { return store::sha256_of(secret); }

Result<model::Token> create_token(Context& context, const NewToken& asked) {
  if (asked.name.empty() || asked.name.size() > 200 || !is_valid_utf8(asked.name) ||
      has_control_bytes(asked.name))
    return fail(Code::invalid, "the name of a token is one line of 1 to 200 bytes");
  if ((asked.scope == model::Scope::runner) != asked.run.has_value())
    return fail(Code::invalid, "a runner's token, and no other, belongs to a run");
  if (asked.expires_at && *asked.expires_at <= context.now.wall)
    return fail(Code::invalid, "the token would have expired already");
  model::Token token;
  token.id = context.ids.make("tok_");
  token.name = asked.name;
  token.scope = asked.scope;
  token.run = asked.run;
  token.created_at = context.now.wall;
  token.expires_at = asked.expires_at;
  BATON_TRY_VOID(store::insert_token(context.tx, token, asked.hash));
  return token;
}

Result<void> revoke_token(Context& context, std::string_view id) {
  BATON_TRY(token, store::find_token(context.tx.sql(), id));
  if (!token)
    return fail_with_fix(Code::not_found, "`baton token ls` lists the tokens",
                         "the token {} is unknown", json_quote(id));
  if (token->scope == model::Scope::admin) {
    BATON_TRY(all, store::list_tokens(context.tx.sql()));
    const bool another = std::any_of(all.begin(), all.end(), [&](const model::Token& other) {
      return other.id != id && other.scope == model::Scope::admin && !other.expires_at;
    });
    if (!another && is_valid(*token, context.now.wall))
      return fail_with_fix(Code::conflict, "create another admin token without expiry first",
                           "the token {} is the last admin token", id);
  }
  return store::remove_token(context.tx, id);
}

Result<model::Token> authenticate(store::Session& session, std::string_view hash, TimePoint wall) {
  BATON_TRY(token, store::find_token_by_hash(session, hash));
  if (!token)
    return fail_with_fix(Code::unauthenticated, "run `baton login`, or set BATON_TOKEN",
                         "the token is unknown");
  if (!is_valid(*token, wall))
    return fail_with_fix(Code::unauthenticated, "ask an admin for a new token",
                         "the token {} has expired", json_quote(token->name));
  return *std::move(token);
}

Result<void> touch_token(Context& context, std::string_view id) {
  BATON_TRY(token, store::find_token(context.tx.sql(), id));
  if (!token) return {};
  const auto hour = std::chrono::floor<std::chrono::hours>(context.now.wall);
  if (token->last_used_at && *token->last_used_at >= hour) return {};
  return store::set_token_used(context.tx, id, context.now.wall);
}

Result<void> audit(Context& context, model::AuditEntry entry) {
  entry.at = context.now.wall;
  return store::insert_audit(context.tx, entry);
}

}  // namespace baton::engine
