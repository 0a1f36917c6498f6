// SPDX-License-Identifier: MIT
// The real operations, failing at each of their statements in turn: nothing of them may stay
// behind, and the same operation works when it is asked again.
#include <gtest/gtest.h>

#include "engine/op_world.h"
#include "engine/report_ops.h"
#include "engine/schedule_ops.h"
#include "testing/faulty_store.h"
#include "tests/contract/backends.h"

namespace baton::contract {
namespace {

using namespace engine;  // NOLINT: test code only

// Enough for the longest operation here; reaching it would mean that none ever succeeds.
constexpr int kStatementsMax = 500;

class Faults : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    auto faulty = std::make_unique<testing::FaultyStore>(std::move(store_));
    faulty_ = faulty.get();
    world_ = std::make_unique<OpWorld>(std::move(faulty), Rules{.running_runs = 2});
    world_->declare(world_->suite("a"));
  }
  void TearDown() override {
    world_.reset();
    StoreTest::TearDown();
  }

  // Every row of every table, in an order of its own.
  std::string everything() {
    std::string all;
    for (const char* query :
         {"SELECT id, number, state, verdict, total, failed, pending, epoch, acked, message FROM "
          "run "
          "ORDER BY id",
          "SELECT run_id, test_id, verdict FROM run_case ORDER BY 1, 2",
          "SELECT run_id, test_id, number, outcome, message FROM attempt ORDER BY 1, 2, 3",
          "SELECT name, run_id FROM run_label ORDER BY 1, 2",
          "SELECT seq, kind, subject, data FROM event ORDER BY 1",
          "SELECT kind, subject, due FROM deadline ORDER BY 1, 2",
          "SELECT name, next_at, run_count, waiting FROM schedule ORDER BY 1",
          "SELECT namespace, name, revision FROM suite ORDER BY 1, 2",
          "SELECT suite_id, name FROM test ORDER BY 1, 2"}) {
      const auto rows = world_->sql().query(query);
      EXPECT_TRUE(rows) << query << ": " << rows.error().message;
      if (rows) all += text_of(*rows) + "\n";
    }
    return all;
  }

  // Runs the operation with its first, second, … statement failing, until none of them does.
  template <class F>
  void fails_cleanly(const char* name, F operation) {
    const std::string before = everything();
    for (int n = 1; n < kStatementsMax; ++n) {
      faulty_->fail_statement(n);
      const auto result = world_->run(operation);
      const bool failed = faulty_->has_failed();
      faulty_->fail_statement(0);
      faulty_->forget_failure();
      if (!failed) {
        EXPECT_TRUE(result) << name << ": " << result.error().message;
        EXPECT_GT(n, 2) << name << " has more statements than that";
        return;
      }
      ASSERT_FALSE(result) << name << " did not notice that statement " << n << " failed";
      ASSERT_EQ(everything(), before) << name << ", statement " << n;
    }
    FAIL() << name << " never succeeds";
  }

  testing::FaultyStore* faulty_ = nullptr;
  std::unique_ptr<OpWorld> world_;
};

TEST_P(Faults, no_operation_of_a_run_leaves_half_of_itself_behind) {
  OpWorld& w = *world_;
  model::RunRequest request;
  request.suite = "a";
  request.labels = {{"team", "pay"}};
  fails_cleanly("start_run", [&](Context& c) { return start_run(c, w.rules, request); });
  const RunId run{1};
  fails_cleanly("claim_job", [&](Context& c) { return claim_job(c, w.rules, run, 1); });
  const std::vector<model::Record> half = RecordList{}
                                              .plan({"x", "y"})
                                              .started("x")
                                              .finished("x", 1, model::Outcome::failed)
                                              .started("y");
  fails_cleanly("apply_records",
                [&](Context& c) { return apply_records(c, w.rules, run, 1, half); });
  fails_cleanly("runner_lost",
                [&](Context& c) { return runner_lost(c, w.rules, run, 1, "it died"); });
  const std::vector<model::Record> rest =
      RecordList{}.finished("y", 2, model::Outcome::passed).end();
  fails_cleanly("the end", [&](Context& c) { return apply_records(c, w.rules, run, 2, rest); });
  fails_cleanly("rerun", [&](Context& c) { return rerun(c, w.rules, run, true, "ann"); });
  fails_cleanly("cancel_run", [&](Context& c) { return cancel_run(c, w.rules, RunId{2}, "no"); });
  fails_cleanly("delete_run", [&](Context& c) { return delete_run(c, run); });
}

TEST_P(Faults, no_operation_on_schedules_and_reports_does) {
  OpWorld& w = *world_;
  fails_cleanly("declare_schedule", [&](Context& c) {
    model::Schedule schedule;
    schedule.name = "tick";
    schedule.suite = "a";
    schedule.every = std::chrono::minutes{1};
    return declare_schedule(c, w.rules, schedule);
  });
  w.now.wall += std::chrono::seconds{61};
  fails_cleanly("schedule_due", [&](Context& c) { return schedule_due(c, w.rules, "tick"); });
  ImportedReport report;
  report.request.suite = "reports";
  report.cases.resize(2);
  for (std::size_t i = 0; i < 2; ++i) {
    report.cases[i].name = fmt::format("case {}", i);
    report.cases[i].attempts.resize(1);
  }
  fails_cleanly("import_report", [&](Context& c) { return import_report(c, report); });
}

INSTANTIATE_TEST_SUITE_P(Store, Faults,
                         ::testing::Values(Backend::sqlite_memory, Backend::postgres),
                         [](const auto& parameter) { return name_of(parameter.param); });

}  // namespace
}  // namespace baton::contract
