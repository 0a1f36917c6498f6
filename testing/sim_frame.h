// SPDX-License-Identifier: MIT
#pragma once
// The frame of the deterministic simulations: the real operations on an SQLite database in memory,
// a clock that only the simulation moves, lost answers and crashes, all drawn from one seed, on one
// thread. A world derives from it, says who acts, and checks what it reads in the journal.
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "base/ids.h"
#include "engine/feed.h"
#include "engine/rules.h"
#include "engine/writer.h"
#include "model/event.h"
#include "store/store.h"

namespace baton::sim {

class SimFrame {
 public:
  virtual ~SimFrame();
  SimFrame(const SimFrame&) = delete;
  SimFrame& operator=(const SimFrame&) = delete;

  /// Of every event so far: equal for equal histories.
  std::uint64_t trace_hash() const { return hash_; }
  std::int64_t commands() const { return commands_; }

 protected:
  explicit SimFrame(std::uint64_t seed) : random_(seed) {}

  /// Once per event, in order, when it is committed.
  virtual void apply(const model::Event& event) = 0;
  /// After the events of a step were applied.
  virtual void check_tables() = 0;
  /// The server is about to start on what it has stored.
  virtual void restarting() {}
  /// The wall clock was set.
  virtual void clock_set() {}
  /// What a client may be told about things that others changed meanwhile; anything else is wrong.
  virtual bool is_expected(const Error& error) const = 0;

  bool chance(int percent) { return random_.next() % 100 < static_cast<std::uint64_t>(percent); }
  std::size_t pick(std::size_t count) { return random_.next() % count; }
  Duration some_ms(std::size_t limit) { return Duration{static_cast<std::int64_t>(pick(limit))}; }
  void wrong(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
  }
  template <class R>
  void expect(const Result<R>& result) {
    if (!result && !is_expected(result.error())) wrong("refused: " + result.error().message);
  }

  void open_store();
  void open();
  /// Runs what was submitted; sometimes the answers are lost, or the server with them.
  void commit();
  void crash();
  /// Runs the deadlines on the way, in order.
  void advance(Duration by);
  void pass_time();
  void check();
  /// Runs what was submitted, and nothing goes wrong with it.
  void step_and_check();

  /// The handler hears the answer unless it is lost on the way.
  template <class R, class Operation, class Handler>
  void submit(Operation operation, Handler handler) {
    ++commands_;
    writer_->submit<R>(engine::Operation<R>(std::move(operation)),
                       [this, handler = std::move(handler)](Result<R> result) mutable {
                         if (!losing_) handler(std::move(result));
                       });
  }
  // Of the answer only a refusal that nothing in the simulation explains matters. An operation
  // without a value is wrapped, because a Result<void> cannot be stored by the writer's template as
  // others are.
  template <class R, class Operation>
  void submit(Operation operation) {
    if constexpr (std::is_void_v<R>) {
      submit<int>(
          [operation = std::move(operation)](engine::Context& context) mutable -> Result<int> {
            BATON_TRY_VOID(operation(context));
            return 0;
          },
          [this](Result<int> result) { expect(result); });
    } else {
      submit<R>(std::move(operation), [this](Result<R> result) { expect(result); });
    }
  }

  Ids random_;
  engine::Rules rules_;
  Now now_{from_ms(1'800'000'000'000), from_ms(1'800'000'000'000)};
  Duration elapsed_{0};  // real time since the beginning, whatever the clocks say
  std::unique_ptr<store::Store> store_;
  engine::Feed feed_;
  std::unique_ptr<engine::Writer> writer_;
  std::string wrong_;
  Seq seen_ = 0;  // of the journal

 private:
  void move(Duration by);

  bool losing_ = false;  // answers do not arrive
  std::uint64_t hash_ = 1469598103934665603U;
  std::int64_t commands_ = 0;
};

}  // namespace baton::sim
