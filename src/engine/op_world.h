// SPDX-License-Identifier: MIT
#pragma once
// For tests: operations against a real store with a clock that only moves when told to. One thread.
// Each operation is a batch of its own; advance() runs the deadlines on the way, in order.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/deadline_ops.h"
#include "engine/feed.h"
#include "engine/record_ops.h"
#include "engine/run_ops.h"
#include "engine/suite_ops.h"
#include "engine/writer.h"
#include "model/record.h"
#include "store/case_table.h"
#include "store/store.h"

namespace baton::engine {

using namespace std::chrono_literals;  // NOLINT: test code only

class OpWorld {
 public:
  explicit OpWorld(std::unique_ptr<store::Store> store, Rules rules_in = {})
      : rules(rules_in), store_(std::move(store)) {
    open();
  }
  explicit OpWorld(Rules rules_in = {})
      : OpWorld(store::Store::open({.data = ":memory:"}).value(), rules_in) {}

  /// Runs `operation(Context&)` as one command; its Result comes back after the commit.
  template <class F>
  auto run(F operation) -> std::invoke_result_t<F&, Context&> {
    using R = typename std::invoke_result_t<F&, Context&>::value_type;
    if constexpr (std::is_void_v<R>) {
      auto result = writer_->run<int>(
          [operation = std::move(operation)](Context& context) mutable -> Result<int> {
            BATON_TRY_VOID(operation(context));
            return 0;
          });
      if (!result) return tl::unexpected(result.error());
      return {};
    } else {
      return writer_->run<R>(Operation<R>(std::move(operation)));
    }
  }

  void advance(Duration by) {
    const TimePoint end = now.at + by;
    for (;;) {
      const auto next = writer_->next_deadline().value();
      if (!next || *next > end) break;
      move_to(std::max(*next, now.at));
      writer_->step(now);
    }
    move_to(end);
  }

  /// The server ends and starts again `down` later on the same database.
  void restart(Duration down = Duration{0}) {
    writer_.reset();
    move_to(now.at + down);
    open();
  }

  store::Session& sql() { return store_->writer(); }

  // --- Shorthand ---

  model::Suite suite(std::string name) {
    model::Suite suite;
    suite.namespace_ = "pay";
    suite.name = std::move(name);
    suite.command = {"./it"};
    return suite;
  }
  void declare(model::Suite declared) {
    const auto result = run([&](Context& c) { return declare_suite(c, declared); });
    ASSERT_TRUE(result) << result.error().message;
  }
  Result<model::Run> start(std::string suite_name, model::RunRequest request = {}) {
    request.suite = std::move(suite_name);
    return run([&](Context& c) { return start_run(c, rules, request); });
  }
  model::Run run_row(RunId id) { return get_run(sql(), id).value().run; }
  Result<Job> claim(RunId id, int epoch = 1) {
    return run([&](Context& c) { return claim_job(c, rules, id, epoch); });
  }
  Result<Applied> post(RunId id, int epoch, std::vector<model::Record> records) {
    return run([&](Context& c) { return apply_records(c, rules, id, epoch, records); });
  }
  std::vector<model::CaseResult> cases(RunId id) {
    return store::list_cases(sql(), id, {}).value().cases;
  }
  std::vector<std::string> kinds(std::string_view subject = "") {
    std::vector<std::string> kinds;
    const auto events = store::read_journal(sql(), 0, 10'000, "", subject).value();
    for (const auto& event : events) kinds.push_back(event.kind);
    return kinds;
  }
  int deadlines() {
    return static_cast<int>(
        sql().query("SELECT COUNT(*) FROM deadline WHERE subject LIKE 'run:%'").value()[0].integer(
            0));
  }

  Rules rules;
  Now now{from_ms(1'800'000'000'000), from_ms(1'800'000'000'000)};
  Feed feed;

 private:
  void open() {
    const auto recovered = recover(*store_, rules, now);
    ASSERT_TRUE(recovered) << recovered.error().message;
    writer_ = std::make_unique<Writer>(
        *store_, feed, [this] { return now; }, Ids(7 + starts_++),
        [this](Context& c, const store::Deadline& deadline) {
          return on_deadline(c, rules, deadline);
        });
  }
  void move_to(TimePoint at) {
    now.wall += at - now.at;
    now.at = at;
  }

  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Writer> writer_;
  std::uint64_t starts_ = 0;  // each gives other ids
};

// What comparisons in tests say for short: a list of numbers or of texts, and what holds what.
inline std::vector<std::int64_t> list() { return {}; }
template <class... I>
std::vector<std::int64_t> list(int first, I... rest) {
  return {first, rest...};
}
template <class... S>
std::vector<std::string> list(const char* first, S... rest) {
  return {first, rest...};
}
inline bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Records by hand: R r; r.plan({"a"}).passed("a").end() …
class RecordList {
 public:
  explicit RecordList(std::int64_t first = 1) : next_(first) {}
  RecordList& add(model::RecordBody body) {
    records_.push_back({next_++, std::move(body)});
    return *this;
  }
  RecordList& plan(const std::vector<std::string>& names) {
    model::PlanRecord plan;
    for (const std::string& name : names) {
      model::Case entry;
      entry.name = name;
      plan.cases.push_back(std::move(entry));
    }
    return add(std::move(plan));
  }
  RecordList& started(std::string test, int attempt = 1) {
    return add(model::AttemptStarted{std::move(test), attempt, from_ms(1'800'000'000'000)});
  }
  RecordList& finished(std::string test, int attempt, model::Outcome outcome, bool final_ = true,
                       bool soft = false) {
    model::AttemptFinished one;
    one.test = std::move(test);
    one.attempt = attempt;
    one.outcome = outcome;
    one.soft_failure = soft;
    one.at = from_ms(1'800'000'000'500);
    one.duration = Duration{250};
    if (outcome != model::Outcome::passed) one.message = "expected 1 but was 2";
    one.final_ = final_;
    return add(std::move(one));
  }
  RecordList& passed(std::string test) {
    return finished(std::move(test), 1, model::Outcome::passed);
  }
  RecordList& end(model::Ending ending = model::Ending::completed, std::string message = "") {
    return add(model::FinishedRecord{ending, std::move(message), from_ms(1'800'000'000'900)});
  }
  operator std::vector<model::Record>() const { return records_; }  // NOLINT: reads as a list

 private:
  std::int64_t next_;
  std::vector<model::Record> records_;
};

}  // namespace baton::engine
