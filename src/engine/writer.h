// SPDX-License-Identifier: MIT
#pragma once
// The writer: one thread on which every operation runs (docs/adr/0003-one-writer.md).
// It takes what is queued, runs each operation in a savepoint of one transaction, commits once
// (one fsync for all), publishes the journal's position, and only then answers.
// An operation that fails rolls back alone; when the commit fails every operation of the batch is
// answered `unavailable`. Any thread may submit.
//
// A writer that is not started is driven by hand, on one thread: submit(), then step(now). That is
// how the simulation runs the very same code with a clock of its own.
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "base/ids.h"
#include "base/time.h"
#include "base/unique_function.h"
#include "engine/beats.h"
#include "store/store.h"
#include "store/tx.h"

namespace baton::engine {

/// What an operation may touch. No clock, randomness or I/O besides it.
struct Context {
  store::Tx& tx;
  Now now;
  Ids& ids;
  Beats& beats;
};

template <class R>
using Operation = UniqueFunction<Result<R>(Context&)>;

/// Beyond this many waiting commands submit() answers `limit`: about 100 ms of work, so waiting
/// longer would only turn a slow answer into a late one.
inline constexpr std::size_t kSubmitQueueMax = 10'000;
/// Commands per commit: bounds the latency of the first of them.
inline constexpr std::size_t kBatchMax = 512;
/// Due deadlines per commit, for the same reason.
inline constexpr int kDeadlinesPerBatchMax = 64;
/// A deadline whose operation failed comes again after this time.
inline constexpr Duration kDeadlineRetry{10'000};
/// A slower operation holds up everybody: it is logged as a warning.
inline constexpr Duration kSlowOperation{20};

class Feed;

class Writer {
 public:
  using Clock = std::function<Now()>;
  /// `on_deadline` is called on the writer thread, as an operation, for each due deadline row,
  /// which is removed in the same savepoint.
  using OnDeadline = std::function<Result<void>(Context&, const store::Deadline&)>;

  /// All references outlive the writer.
  Writer(store::Store& store, Feed& feed, Clock clock, Ids ids, OnDeadline on_deadline);
  ~Writer();  // stops

  void start();
  /// Answers what is queued, then joins. Later submissions are answered `unavailable`.
  void stop();

  /// Called on the writer thread when another server has become the writer (PostgreSQL): from then
  /// on everything is answered `unavailable`. Set before start().
  void on_halt(std::function<void(const Error&)> callback);

  /// Why changes are refused now: the last ones could not be stored and none has been since, or
  /// another server writes. The writer tries by itself each second whether that is over. Any
  /// thread.
  std::optional<Error> refuses() const;

  /// Not started only: runs the due deadlines and one batch of what is queued, at `now`.
  /// Result: how many commands and deadlines were run; 0 means that there was nothing to do.
  std::size_t step(Now now);
  /// Not started only: the earliest deadline.
  Result<std::optional<TimePoint>> next_deadline();

  /// Queues `operation`; `done` is called once, on the writer thread, after the commit (or the
  /// refusal). It must not block: it posts to whoever waits. When the queue is full or the writer
  /// is stopped `done` is called at once, on the caller's thread, with `limit` or `unavailable`.
  template <class R>
  void submit(Operation<R> operation, UniqueFunction<void(Result<R>)> done) {
    submit_as<R>(Access::changes, std::move(operation), std::move(done));
  }

  /// Queues an operation that changes nothing in the database (it may note beats). It sees what is
  /// committed, runs before the changes of its batch, and is answered without waiting for their
  /// commit: it works while the disk is full. Otherwise as submit().
  template <class R>
  void look(Operation<R> operation, UniqueFunction<void(Result<R>)> done) {
    submit_as<R>(Access::looks, std::move(operation), std::move(done));
  }

  /// Submits and waits: for start-up, tests and threads of their own. Never on an Asio thread.
  /// On a writer that is not started it takes steps at the clock's time until the answer is there.
  template <class R>
  Result<R> run(Operation<R> operation) {
    struct Waiter {
      std::mutex mutex;
      std::condition_variable answered;
      std::optional<Result<R>> result;
    };
    auto waiter = std::make_shared<Waiter>();
    submit<R>(std::move(operation), [waiter](Result<R> result) {
      const std::lock_guard lock(waiter->mutex);
      waiter->result = std::move(result);
      waiter->answered.notify_all();
    });
    step_if_not_started();
    std::unique_lock lock(waiter->mutex);
    waiter->answered.wait(lock, [&] { return waiter->result.has_value(); });
    return std::move(*waiter->result);
  }

 private:
  using Step = UniqueFunction<Result<void>(Context&)>;
  using Done = UniqueFunction<void(Result<void>)>;
  enum class Access { changes, looks };
  template <class R>
  void submit_as(Access access, Operation<R> operation, UniqueFunction<void(Result<R>)> done) {
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
        },
        access);
  }
  void enqueue(Step step, Done done, Access access);
  void step_if_not_started();

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::engine
