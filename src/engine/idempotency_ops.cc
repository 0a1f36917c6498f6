// SPDX-License-Identifier: MIT
#include "engine/idempotency_ops.h"

namespace baton::engine {

Result<Answered> answer_once(Context& context, const IdempotencyKey& key,
                             UniqueFunction<Result<store::StoredAnswer>(Context&)>& operation) {
  if (key.key.empty() || key.key.size() > 255)
    return fail(Code::invalid, "an idempotency key has 1 to 255 bytes");
  BATON_TRY(known,
            store::find_answer(context.tx.sql(), key.scope, key.key, context.now.wall));
  if (known) {
    if (known->body_hash != key.body_hash)
      return fail_with_fix(Code::conflict, "use a new key for a new request",
                           "the idempotency key was used with another request");
    return Answered{std::move(known->answer), true};
  }
  BATON_TRY(answer, operation(context));
  store::IdempotencyRow row{key.body_hash, answer};
  BATON_TRY_VOID(store::put_answer(context.tx, key.scope, key.key, row,
                                   context.now.wall + key.ttl));
  return Answered{std::move(answer), false};
}

}  // namespace baton::engine
