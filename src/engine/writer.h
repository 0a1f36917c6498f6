// SPDX-License-Identifier: MIT
#pragma once
// The writer: one thread on which every operation runs (docs/adr/0003-one-writer.md).
// It takes what is queued, runs each operation in a savepoint of one transaction, commits once
// (one fsync for all), publishes the journal's position, and only then answers.
// An operation that fails rolls back alone; when the commit fails every operation of the batch is
// answered `unavailable`. Any thread may submit.
#include <functional>
#include <memory>

#include "base/ids.h"
#include "base/time.h"
#include "base/unique_function.h"
#include "store/store.h"
#include "store/tx.h"

namespace baton::engine {

/// What an operation may touch. No clock, randomness or I/O besides it.
struct Context {
  store::Tx& tx;
  Now now;
  Ids& ids;
};

template <class R>
using Operation = UniqueFunction<Result<R>(Context&)>;

/// Beyond this many waiting commands submit() answers `limit`: about 100 ms of work, so waiting
/// longer would only turn a slow answer into a late one.
inline constexpr std::size_t kSubmitQueueMax = 10'000;
/// Commands per commit: bounds the latency of the first of them.
inline constexpr std::size_t kBatchMax = 512;

class Feed;

class Writer {
 public:
  using Clock = std::function<Now()>;
  /// `on_deadline` is called on the writer thread, as an operation, for each due deadline row, which
  /// is removed in the same savepoint.
  using OnDeadline = std::function<Result<void>(Context&, const store::Deadline&)>;

  /// All references outlive the writer.
  Writer(store::Store& store, Feed& feed, Clock clock, Ids ids, OnDeadline on_deadline);
  ~Writer();  // stops

  void start();
  /// Answers what is queued, then joins. Later submissions are answered `unavailable`.
  void stop();

  /// Queues `operation`; `done` is called once, on the writer thread, after the commit (or the
  /// refusal). It must not block: it posts to whoever waits.
  template <class R>
  void submit(Operation<R> operation, UniqueFunction<void(Result<R>)> done) {
    auto result = std::make_shared<Result<R>>(fail(Code::unavailable, "the server is stopping"));
    auto finish = std::make_shared<UniqueFunction<void(Result<R>)>>(std::move(done));
    enqueue(
        [operation = std::move(operation), result](Context& context) mutable -> Result<void> {
          *result = operation(context);
          if (!*result) return tl::unexpected(result->error());
          return {};
        },
        [result, finish](Result<void> committed) {
          if (!committed) *result = tl::unexpected(std::move(committed).error());
          (*finish)(std::move(*result));
        });
  }

  /// Submits and waits: for start-up, tests and threads of their own. Never on an Asio thread.
  template <class R>
  Result<R> run(Operation<R> operation);

 private:
  using Step = UniqueFunction<Result<void>(Context&)>;
  using Done = UniqueFunction<void(Result<void>)>;
  void enqueue(Step step, Done done);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::engine
