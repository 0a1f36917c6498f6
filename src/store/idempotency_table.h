// SPDX-License-Identifier: MIT
#pragma once
// Table idempotency: the answers to requests that came with a key. No events: an answer changes
// nothing.
#include <optional>
#include <string>
#include <string_view>

#include "store/tx.h"

namespace baton::store {

/// What the edge needs to answer a repeated request with the same bytes.
struct StoredAnswer {
  int status = 200;
  std::string location;
  std::string body;
};

struct IdempotencyRow {
  std::string body_hash;  // of the request
  StoredAnswer answer;
};

/// Nothing when the key is unknown or has expired at `wall`.
Result<std::optional<IdempotencyRow>> find_answer(Session& session, std::string_view scope,
                                                  std::string_view key, TimePoint wall);
Result<void> put_answer(Tx& tx, std::string_view scope, std::string_view key,
                        const IdempotencyRow& row, TimePoint expires_at);
/// Result: how many were removed, at most `limit`.
Result<int> remove_expired_answers(Tx& tx, TimePoint wall, int limit);

}  // namespace baton::store
