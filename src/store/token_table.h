// SPDX-License-Identifier: MIT
#pragma once
// Tables token and audit. Only hashes of secrets are stored.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/token.h"
#include "store/tx.h"

namespace baton::store {

/// Event token.created (without the hash).
Result<void> insert_token(Tx& tx, const model::Token& token, std::string_view hash);
/// Event token.revoked.
Result<void> remove_token(Tx& tx, std::string_view id);
/// The tokens of a run's runners; no event: run.deleted says it.
Result<void> remove_runner_tokens(Tx& tx, RunId run);
/// They cease to be valid at `at` (the run has ended), and are removed some time later.
Result<void> expire_runner_tokens(Tx& tx, RunId run, TimePoint at);
Result<void> remove_expired_runner_tokens(Tx& tx, TimePoint wall);
Result<void> set_token_used(Tx& tx, std::string_view id, TimePoint at);

Result<std::optional<model::Token>> find_token(Session& session, std::string_view id);
/// Whatever its expiry.
Result<std::optional<model::Token>> find_token_by_hash(Session& session, std::string_view hash);
/// Those of people and services, newest first.
Result<std::vector<model::Token>> list_tokens(Session& session);

/// No event: the audit is a record of its own.
Result<void> insert_audit(Tx& tx, const model::AuditEntry& entry);
/// Newest first, older than the entry `before` (0: from the newest).
Result<std::vector<model::AuditEntry>> list_audit(Session& session, std::int64_t before, int limit);

}  // namespace baton::store
