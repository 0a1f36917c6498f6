// SPDX-License-Identifier: MIT
#pragma once
// From a handler to the writer and to snapshots: submitting operations, reading, and POSTs that are
// safe to repeat. Coroutines on the connection's thread.
#include <string>
#include <string_view>
#include <utility>

#include "api/context.h"
#include "api/route.h"
#include "engine/writer.h"
#include "store/idempotency_table.h"

namespace baton::api {

/// Runs an operation on the writer and resumes with its result after the commit.
template <class R>
boost::asio::awaitable<Result<R>> submit(Context& context, engine::Operation<R> operation) {
  Result<R> result =
      co_await net::from_callback<Result<R>>([&](UniqueFunction<void(Result<R>)> done) {
        context.writer.submit<R>(std::move(operation), std::move(done));
      });
  co_return result;
}

/// The same for an operation that changes nothing in the database, see Writer::look.
template <class R>
boost::asio::awaitable<Result<R>> look(Context& context, engine::Operation<R> operation) {
  Result<R> result =
      co_await net::from_callback<Result<R>>([&](UniqueFunction<void(Result<R>)> done) {
        context.writer.look<R>(std::move(operation), std::move(done));
      });
  co_return result;
}

/// Reads from a snapshot: `read(context, [&](store::Session& s) { return store::find_run(s, id);
/// })`.
template <class F>
auto read(Context& context, F&& reader) -> decltype(reader(std::declval<store::Session&>())) {
  BATON_TRY(snapshot, context.store.snapshot());
  return reader(snapshot.sql());
}

/// How long answers to repeated requests are kept.
inline constexpr Duration kKeepAnswers{24LL * 3'600'000};
inline constexpr Duration kKeepLegacyAnswers{72LL * 3'600'000};

using PostOperation = engine::Operation<store::StoredAnswer>;

struct Post {
  /// Requests with the same key and scope are one: the route and what it is about.
  std::string scope;
  Duration keep = kKeepAnswers;
  /// What tells this request from another with its key; made when it is needed and not there.
  std::string hash = {};
};

/// Submits the operation of a POST. With an Idempotency-Key the answer is stored in the same
/// transaction as what it did; the same key with the same body gets the stored answer with
/// `Idempotency-Replayed: true`, with another body it is a conflict. What failed is not stored.
Async submit_post(Context& context, Call& call, Post post, PostOperation operation);
/// The same, waiting: for threads of the disk, where other work and the operation are one thing.
Answer run_post(Context& context, const Call& call, Post post, PostOperation operation);

/// The stored answer to this request, if there is one: before work that is not an operation. Keeps
/// the hash in `post`. Reads the body: for a large one not on the connection's thread.
Result<std::optional<net::Response>> find_replay(Context& context, const Call& call, Post& post);

/// SHA-256, hexadecimal.
std::string sha256_hex(std::string_view bytes);

}  // namespace baton::api
