// SPDX-License-Identifier: MIT
#include "api/submit.h"

#include <unistd.h>

#include <algorithm>

#include "api/reply.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/idempotency_ops.h"
#include "store/sha256.h"

namespace baton::api {
namespace {

constexpr std::size_t kKeyMax = 255;

// What makes two requests the same: their query and their body.
Result<std::string> hash_of_request(const Call& call) {
  store::Sha256 hash;
  const std::string& target = call.request.target;
  hash.add(std::string_view{target}.substr(std::min(target.find('?'), target.size())));
  hash.add(std::string_view{"\0", 1});
  if (!call.request.spilled) {
    hash.add(call.request.body);
    return hash.hexadecimal();
  }
  std::string buffer(1 << 20, '\0');
  for (std::uint64_t at = 0; at < call.request.spilled->size;) {
    const ssize_t n = pread(call.request.spilled->file.get(), buffer.data(), buffer.size(),
                            static_cast<off_t>(at));
    if (n <= 0) return tl::unexpected(errno_error("read the body", errno));
    hash.add(std::string_view{buffer}.substr(0, static_cast<std::size_t>(n)));
    at += static_cast<std::uint64_t>(n);
  }
  return hash.hexadecimal();
}

Result<std::string> key_of(const Call& call) {
  const std::string_view key = call.request.headers.get("Idempotency-Key");
  if (key.size() > kKeyMax || has_control_bytes(key) || !is_valid_utf8(key))
    return fail(Code::invalid, "the Idempotency-Key must be text of at most {} bytes", kKeyMax);
  return std::string{key};
}

net::Response to_response(store::StoredAnswer answer, bool replayed) {
  net::Response response = answer.body.empty() ? net::reply(answer.status)
                                               : json_reply(answer.status, std::move(answer.body));
  if (!answer.location.empty()) response.headers.set("Location", answer.location);
  if (replayed) response.headers.set("Idempotency-Replayed", "true");
  return response;
}

// A key is its token's own: another pipeline that happens to use the same one asks for something
// else.
std::string scope_of(const Call& call, const Post& post) {
  return post.scope + " by " + call.who.actor;
}

Result<void> check_same(const store::IdempotencyRow& row, std::string_view key,
                        std::string_view hash) {
  if (row.body_hash == hash) return {};
  return fail_with_fix(Code::conflict, "use a new key for a new request",
                       "the Idempotency-Key \"{}\" was used with another request", key);
}

// With an empty key it is a request without one.
Result<engine::IdempotencyKey> key_of_post(const Call& call, Post post) {
  BATON_TRY(key, key_of(call));
  if (key.empty()) return engine::IdempotencyKey{};
  if (post.hash.empty()) {
    BATON_TRY(hash, hash_of_request(call));
    post.hash = std::move(hash);
  }
  return engine::IdempotencyKey{scope_of(call, post), std::move(key), std::move(post.hash),
                                post.keep};
}

engine::Operation<engine::Answered> guarded(engine::IdempotencyKey once, PostOperation operation) {
  return [once = std::move(once), operation = std::move(operation)](
             engine::Context& context) mutable -> Result<engine::Answered> {
    if (!once.key.empty()) return engine::answer_once(context, once, operation);
    BATON_TRY(answer, operation(context));
    return engine::Answered{std::move(answer), false};
  };
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  store::Sha256 hash;
  hash.add(bytes);
  return hash.hexadecimal();
}

Async submit_post(Context& context, Call& call, Post post, PostOperation operation) {
  auto once = key_of_post(call, std::move(post));
  if (!once) co_return tl::unexpected(once.error());
  auto once_only = guarded(*std::move(once), std::move(operation));
  auto answered = co_await submit<engine::Answered>(context, std::move(once_only));
  if (!answered) co_return tl::unexpected(answered.error());
  co_return to_response(std::move(answered->answer), answered->replayed);
}

Answer run_post(Context& context, const Call& call, Post post, PostOperation operation) {
  BATON_TRY(once, key_of_post(call, std::move(post)));
  BATON_TRY(answered,
            context.writer.run<engine::Answered>(guarded(std::move(once), std::move(operation))));
  return to_response(std::move(answered.answer), answered.replayed);
}

Result<std::optional<net::Response>> find_replay(Context& context, const Call& call, Post& post) {
  BATON_TRY(key, key_of(call));
  if (key.empty()) return std::nullopt;
  BATON_TRY(hash, hash_of_request(call));
  post.hash = std::move(hash);
  BATON_TRY(known, read(context, [&](store::Session& session) {
              return store::find_answer(session, scope_of(call, post), key, context.clock().wall);
            }));
  if (!known) return std::nullopt;
  BATON_TRY_VOID(check_same(*known, key, post.hash));
  return to_response(known->answer, true);
}

}  // namespace baton::api
