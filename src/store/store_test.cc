// SPDX-License-Identifier: MIT
#include "store/store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "store/tx.h"

namespace baton::store {
namespace {

TEST(Store, memory_database_keeps_a_journal) {
  auto store = Store::open({.data = ":memory:"});
  ASSERT_TRUE(store) << store.error().message;
  ASSERT_TRUE((*store)->begin());
  Tx tx((*store)->writer(), {from_ms(5), from_ms(7)});
  EXPECT_EQ(tx.append("run.queued", "run:1", R"({"a":1})").value(), 1);
  EXPECT_EQ(tx.append("suite.changed", "suite:a/b").value(), 2);
  ASSERT_TRUE((*store)->commit());
  auto snapshot = (*store)->snapshot();
  ASSERT_TRUE(snapshot);
  auto events = read_journal(snapshot->sql(), 0, 10, "run.");
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ((*events)[0].data, R"({"a":1})");
  EXPECT_EQ((*events)[0].at, from_ms(7));
}

TEST(Store, a_snapshot_of_a_memory_database_waits_for_the_batch) {
  auto store = Store::open({.data = ":memory:"}).value();
  ASSERT_TRUE(store->begin());
  std::atomic<bool> committing = false;
  std::thread reader([&] {
    const auto snapshot = store->snapshot();
    EXPECT_TRUE(snapshot);
    EXPECT_TRUE(committing);
  });
  Tx tx(store->writer(), {});
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(tx.append("test.done", "test:1"));
  committing = true;
  ASSERT_TRUE(store->commit());
  reader.join();
}

TEST(Store, a_batch_of_a_memory_database_is_refused_while_its_snapshot_is_held) {
  auto store = Store::open({.data = ":memory:"}).value();
  const auto snapshot = store->snapshot();
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(store->begin().error().code, Code::unavailable);
}

TEST(Store, a_statement_is_planned_once_whatever_the_values) {
  auto store = Store::open({.data = ":memory:"}).value();
  ASSERT_TRUE(store->writer().exec("CREATE TABLE t (a TEXT, b INTEGER)"));
  ASSERT_TRUE(store->writer().exec("CREATE INDEX t_alone ON t (b) WHERE a = ''"));
  // This value fits the index; the next one may not.
  const auto plan = store->writer().query(
      "EXPLAIN QUERY PLAN SELECT b FROM t WHERE a = ? AND b > 5", {""});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->at(0).text(3).find("t_alone"), std::string::npos) << plan->at(0).text(3);
}

}  // namespace
}  // namespace baton::store
