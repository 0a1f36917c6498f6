// SPDX-License-Identifier: MIT
#include "engine/writer.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <set>
#include <thread>
#include <vector>

#include "base/assert.h"
#include "base/log.h"
#include "engine/feed.h"

namespace baton::engine {
namespace {

// Quiet for so long, the WAL is emptied: rarely enough not to cost, soon enough to keep it small.
constexpr std::chrono::milliseconds kIdleAfter{500};
// After a failed batch the deadlines and a small change are tried again; commands that come
// meanwhile try at once.
constexpr std::chrono::milliseconds kRetryAfter{1'000};
// An upper bound of one wait, so that a jump of the clock is noticed.
constexpr std::chrono::milliseconds kWaitMax{60'000};

Error unavailable(std::string_view why) {
  return {Code::unavailable, std::string(why), "try again in a moment"};
}

}  // namespace

struct Writer::State {
  struct Command {
    Step step;
    Done done;
    Access access = Access::changes;
  };
  struct Answer {
    Done done;
    Result<void> result;
  };

  State(store::Store& store_in, Feed& feed_in, Clock clock_in, Ids ids_in,
        OnDeadline on_deadline_in)
      : store(store_in),
        feed(feed_in),
        clock(std::move(clock_in)),
        ids(ids_in),
        on_deadline(std::move(on_deadline_in)) {}

  std::size_t run_batch(std::vector<Command> commands, Now now);
  Result<void> run_in_transaction(std::vector<Command>& commands, Now now,
                                  std::vector<Answer>& answers);
  Result<void> look_up_deadline(bool journal_too);
  Result<void> run_due_deadlines(Now now);
  Result<void> run_looks(std::vector<Command>& commands, Now now);
  Result<void> run_one(Step& step, Now now, Access access = Access::changes);
  Result<void> call(Step& step, Context& context);
  void batch_failed(const Error& error);
  void note_trouble(const Error& error);
  void writing_again();
  void halt(const Error& error);
  void loop();
  std::vector<Command> take_queued();
  std::chrono::milliseconds time_to_wait() const;

  store::Store& store;
  Feed& feed;
  const Clock clock;
  Ids ids;
  const OnDeadline on_deadline;
  std::function<void(const Error&)> on_halt;
  std::thread thread;

  mutable std::mutex mutex;
  std::condition_variable work;
  std::deque<Command> queue;      // guarded by mutex
  bool stopping = false;          // guarded by mutex
  std::optional<Error> refusing;  // guarded by mutex: stopping or halted
  std::optional<Error> trouble;   // guarded by mutex: why a change was not stored

  // The rest belongs to the thread that runs the batches.
  bool deadline_known = false;  // not after a failed batch: what was looked up may be undone
  std::optional<TimePoint> next_deadline;  // or earlier: what is cleared is not looked up
  bool idle_done = true;
  bool halted = false;
  Beats beats;
  bool failing = false;  // nothing was stored since a change could not be; logged once per series

  // Of the batch that is running.
  std::optional<Error> lost;  // why the whole transaction is lost
  Seq last_seq = 0;
  std::optional<std::set<std::string>> kinds;  // of the events that were appended, where known
  std::size_t done_count = 0;
  bool anything_to_commit = false;
  std::optional<Error> not_stored;  // what the database said when it refused a change
};

// Runs one operation in a savepoint. When the transaction itself is lost, `lost` says so.
Result<void> Writer::State::run_one(Step& step, Now now, Access access) {
  auto result = store.savepoint();
  if (!result) {
    lost = result.error();
    return result;
  }
  store::Tx tx(store.writer(), now);
  Context context{tx, now, ids, beats};
  const auto began = std::chrono::steady_clock::now();
  result = call(step, context);
  if (result) result = store.release_savepoint();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - began);
  if (took > kSlowOperation) log::warn("engine.slow_operation", {{"ms", took.count()}});
  ++done_count;
  if (result && access == Access::looks) return result;
  if (result) {
    anything_to_commit = true;
    last_seq = std::max(last_seq, tx.last_seq());
    if (kinds) kinds->insert(tx.kinds().begin(), tx.kinds().end());
    if (const auto due = tx.earliest_due())
      next_deadline = std::min(next_deadline.value_or(*due), *due);
    return result;
  }
  // An operation may refuse for reasons of its own: what counts is what the database said to it.
  if (const auto& said = store.writer().failure(); said && said->code == Code::unavailable)
    not_stored = *said;
  if (auto undone = store.rollback_to_savepoint(); !undone) {
    lost = undone.error();
  }
  return result;
}

Result<void> Writer::State::call(Step& step, Context& context) {
  try {
    return step(context);
  } catch (const std::exception& exception) {
    log::error("bug.uncaught", {{"where", "operation"}, {"what", exception.what()}});
  } catch (...) {
    log::error("bug.uncaught", {{"where", "operation"}});
  }
  // Its half-done work is not stored: the process ends and the transaction with it.
  std::abort();
}

Result<void> Writer::State::look_up_deadline(bool journal_too) {
  BATON_TRY(next, store::next_deadline(store.writer()));
  if (journal_too) {
    BATON_TRY(seq, store::last_journal_seq(store.writer()));
    last_seq = std::max(last_seq, seq);
    kinds.reset();
  }
  next_deadline = next;
  return {};
}

Result<void> Writer::State::run_due_deadlines(Now now) {
  if (!next_deadline || *next_deadline > now.at) return {};
  BATON_TRY(due, store::due_deadlines(store.writer(), now.at, kDeadlinesPerBatchMax));
  for (const store::Deadline& deadline : due) {
    Step step = [&](Context& context) -> Result<void> {
      BATON_TRY_VOID(context.tx.clear_deadline(deadline.kind, deadline.subject));
      return on_deadline(context, deadline);
    };
    const auto result = run_one(step, now);
    if (lost) return tl::unexpected(*lost);
    if (result) continue;
    log::error("engine.deadline_failed", {{"kind", deadline.kind},
                                          {"subject", deadline.subject},
                                          {"error", result.error().message}});
    Step retry = [&](Context& context) {
      return context.tx.set_deadline(deadline.kind, deadline.subject, now.at + kDeadlineRetry);
    };
    // Without this row moved the same deadline would be due at once again, for ever.
    BATON_TRY_VOID(run_one(retry, now));
  }
  return look_up_deadline(false);
}

// Answers the commands that change nothing, and takes them out: whoever renews needs no commit.
// They go before due deadlines: a renewal that arrived in time is not late because the writer was.
Result<void> Writer::State::run_looks(std::vector<Command>& commands, Now now) {
  for (Command& command : commands) {
    if (command.access != Access::looks) continue;
    auto result = run_one(command.step, now, Access::looks);
    if (lost) return tl::unexpected(*lost);
    command.done(std::move(result));
    command.done = {};
  }
  std::erase_if(commands, [](const Command& command) { return !command.done; });
  return {};
}

// Everything between begin and commit. An error means that nothing of the batch is stored.
Result<void> Writer::State::run_in_transaction(std::vector<Command>& commands, Now now,
                                               std::vector<Answer>& answers) {
  BATON_TRY_VOID(store.begin());
  BATON_TRY_VOID(run_looks(commands, now));
  for (Command& command : commands) answers.push_back({std::move(command.done), {}});
  if (!deadline_known) BATON_TRY_VOID(look_up_deadline(true));
  BATON_TRY_VOID(run_due_deadlines(now));
  for (std::size_t i = 0; i < commands.size(); ++i) {
    answers[i].result = run_one(commands[i].step, now);
    if (lost) return tl::unexpected(*lost);
  }
  if (failing && commands.empty() && !anything_to_commit) {
    BATON_TRY_VOID(store::probe_write(store.writer(), now.at));
    anything_to_commit = true;
  }
  if (anything_to_commit) return store.commit();
  store.rollback();
  return {};
}

std::size_t Writer::State::run_batch(std::vector<Command> commands, Now now) {
  std::vector<Answer> answers;
  answers.reserve(commands.size());
  lost.reset();
  not_stored.reset();
  last_seq = 0;
  kinds.emplace();
  anything_to_commit = false;
  done_count = 0;

  const auto committed = halted ? Result<void>(fail(Code::unavailable, "another server writes"))
                                : run_in_transaction(commands, now, answers);
  if (committed) {
    deadline_known = true;
    if (not_stored) {
      note_trouble(*not_stored);
    } else if (failing && anything_to_commit) {
      writing_again();
    }
    feed.publish(last_seq, kinds);
    for (Answer& answer : answers) answer.done(std::move(answer.result));
    store.between_batches();
  } else {
    if (!halted) batch_failed(committed.error());
    const Error answer = {Code::unavailable, committed.error().message, committed.error().fix};
    for (Answer& each : answers) each.done(tl::unexpected(answer));
    // Those that did not come so far.
    for (Command& each : commands)
      if (each.done) each.done(tl::unexpected(answer));
  }
  return done_count;
}

void Writer::State::batch_failed(const Error& error) {
  if (error.code == Code::conflict) return halt(error);
  store.rollback();
  deadline_known = false;
  note_trouble(error);
}

void Writer::State::note_trouble(const Error& error) {
  if (!failing) log::error("engine.commit_failed", {{"error", error.message}});
  failing = true;
  const std::lock_guard lock(mutex);
  trouble = error;
}

void Writer::State::writing_again() {
  log::info("engine.writing_again");
  failing = false;
  const std::lock_guard lock(mutex);
  trouble.reset();
}

void Writer::State::halt(const Error& error) {
  halted = true;
  log::error("engine.halted", {{"error", error.message}});
  {
    const std::lock_guard lock(mutex);
    refusing = unavailable("another server is the writer now");
  }
  if (on_halt) on_halt(error);
}

std::vector<Writer::State::Command> Writer::State::take_queued() {
  std::vector<Command> batch;
  const std::size_t count = std::min(queue.size(), kBatchMax);
  batch.reserve(count);
  std::move(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(count),
            std::back_inserter(batch));
  queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(count));
  return batch;
}

std::chrono::milliseconds Writer::State::time_to_wait() const {
  auto wait = kWaitMax;
  if (!idle_done) wait = kIdleAfter;
  if (halted) return wait;
  if (failing) return std::min(wait, kRetryAfter);
  if (!deadline_known) return std::chrono::milliseconds{0};
  if (!next_deadline) return wait;
  const Duration left = *next_deadline - clock().at;
  return std::clamp<std::chrono::milliseconds>(left, std::chrono::milliseconds{0}, wait);
}

void Writer::State::loop() {
  for (;;) {
    std::vector<Command> batch;
    {
      std::unique_lock lock(mutex);
      work.wait_for(lock, time_to_wait(), [this] { return !queue.empty() || stopping; });
      if (queue.empty() && stopping) return;
      batch = take_queued();
    }
    const Now now = clock();
    const bool due =
        failing || !deadline_known || (next_deadline && *next_deadline <= now.at);
    if (batch.empty() && (!due || halted)) {
      if (!std::exchange(idle_done, true) && !halted) store.idle();
      continue;
    }
    idle_done = false;
    run_batch(std::move(batch), now);
  }
}

Writer::Writer(store::Store& store, Feed& feed, Clock clock, Ids ids, OnDeadline on_deadline)
    : state_(std::make_unique<State>(store, feed, std::move(clock), ids, std::move(on_deadline))) {}

Writer::~Writer() { stop(); }

void Writer::start() {
  BATON_ASSERT(!state_->thread.joinable(), "the writer is started once");
  state_->thread = std::thread([state = state_.get()] { state->loop(); });
}

void Writer::stop() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->refusing = unavailable("the server is stopping");
  }
  state_->work.notify_all();
  if (state_->thread.joinable()) {
    state_->thread.join();
    return;
  }
  for (State::Command& command : std::exchange(state_->queue, {}))
    command.done(tl::unexpected(unavailable("the server is stopping")));
}

void Writer::on_halt(std::function<void(const Error&)> callback) {
  state_->on_halt = std::move(callback);
}

std::optional<Error> Writer::refuses() const {
  const std::lock_guard lock(state_->mutex);
  return state_->refusing ? state_->refusing : state_->trouble;
}

std::size_t Writer::step(Now now) {
  BATON_ASSERT(!state_->thread.joinable(), "a started writer takes its steps itself");
  const bool due =
      !state_->deadline_known || (state_->next_deadline && *state_->next_deadline <= now.at);
  if (state_->queue.empty() && !due) return 0;
  return state_->run_batch(state_->take_queued(), now);
}

Result<std::optional<TimePoint>> Writer::next_deadline() {
  BATON_ASSERT(!state_->thread.joinable(), "a started writer watches its deadlines itself");
  if (!state_->deadline_known) {
    BATON_TRY_VOID(state_->look_up_deadline(false));
  }
  return state_->next_deadline;
}

void Writer::step_if_not_started() {
  if (state_->thread.joinable()) return;
  while (!state_->queue.empty()) step(state_->clock());
}

void Writer::enqueue(Step step, Done done, Access access) {
  std::optional<Error> refusal;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->refusing) {
      refusal = state_->refusing;
    } else if (state_->queue.size() >= kSubmitQueueMax) {
      refusal = Error{Code::limit, "too many changes are waiting to be stored",
                      "try again in a second"};
    } else {
      state_->queue.push_back({std::move(step), std::move(done), access});
      state_->work.notify_one();
      return;
    }
  }
  done(tl::unexpected(std::move(*refusal)));
}

}  // namespace baton::engine
