// SPDX-License-Identifier: MIT
#pragma once
// Tokens and the audit. Secrets are made and hashed at the edge; operations see hashes only.
#include <optional>
#include <string>
#include <string_view>

#include "engine/writer.h"
#include "model/token.h"

namespace baton::engine {

/// Lower-case hexadecimal SHA-256: what is stored of a secret. A secret has at least 128 bits from
/// random_hex, so that a slow hash would gain nothing.
std::string hash_of_secret(std::string_view secret);

struct NewToken {
  std::string name;
  model::Scope scope = model::Scope::viewer;
  std::optional<RunId> run;  // with Scope::runner
  std::optional<TimePoint> expires_at;
  std::string hash;  // hash_of_secret
};
/// Errors: invalid (the name; a runner's token without a run; an expiry in the past).
Result<model::Token> create_token(Context& context, const NewToken& token);

/// Errors: not_found, conflict (the last admin token that has not expired: nobody could make
/// another).
Result<void> revoke_token(Context& context, std::string_view id);

/// Who has this secret.  Errors: unauthenticated (unknown, expired).  Any thread.
Result<model::Token> authenticate(store::Session& session, std::string_view hash, TimePoint wall);

/// Notes that the token was used, at most once an hour; submit it when authenticate's answer is
/// older.
Result<void> touch_token(Context& context, std::string_view id);

/// Appends to the audit; `at` is set to now.
Result<void> audit(Context& context, model::AuditEntry entry);

}  // namespace baton::engine
