// SPDX-License-Identifier: MIT
#pragma once
// Doing a thing once however often it is asked for: the answer to a request with a key is stored in
// the transaction that did it.
#include <string>

#include "base/unique_function.h"
#include "engine/writer.h"
#include "store/idempotency_table.h"

namespace baton::engine {

struct IdempotencyKey {
  std::string scope;      // route and suite: "POST /runs pay/checkout"
  std::string key;        // 1 to 255 bytes; what the caller sent
  std::string body_hash;  // of what must be the same to be a repetition
  Duration ttl{0};        // 24 h, or 72 h on the legacy route
};

struct Answered {
  store::StoredAnswer answer;
  bool replayed = false;
};

/// Runs `operation` and stores its answer, or gives the stored one. A refusal is not stored: the
/// caller may repair the cause and try again with the same key.
/// Errors: conflict (the key was used with another body), invalid (the key), those of `operation`.
Result<Answered> answer_once(Context& context, const IdempotencyKey& key,
                             UniqueFunction<Result<store::StoredAnswer>(Context&)>& operation);

}  // namespace baton::engine
