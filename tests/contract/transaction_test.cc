// SPDX-License-Identifier: MIT
// Savepoints, batches and snapshots behave alike in every backend.
#include "backends.h"
#include "testing/faulty_store.h"

namespace baton::contract {
namespace {

class Transaction : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    execute({"CREATE TABLE t (k BIGINT PRIMARY KEY)"});
  }
  Result<void> insert(std::int64_t key) {
    return sql().exec("INSERT INTO t (k) VALUES (?)", {key});
  }
  std::string keys() { return read("SELECT k FROM t ORDER BY k"); }
};

TEST_P(Transaction, one_commit_keeps_all_operations_of_the_batch) {
  ASSERT_TRUE(store().begin());
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(store().savepoint());
    ASSERT_TRUE(insert(i));
    ASSERT_TRUE(store().release_savepoint());
  }
  ASSERT_TRUE(store().commit());
  EXPECT_EQ(keys(), "1;2;3");
}

TEST_P(Transaction, an_operation_rolls_back_alone) {
  ASSERT_TRUE(store().begin());
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(store().savepoint());
    ASSERT_TRUE(insert(i));
    ASSERT_TRUE(i == 2 ? store().rollback_to_savepoint() : store().release_savepoint());
  }
  ASSERT_TRUE(store().commit());
  EXPECT_EQ(keys(), "1;3");
}

TEST_P(Transaction, a_failed_statement_fails_the_operation_and_not_the_batch) {
  ASSERT_TRUE(store().begin());
  ASSERT_TRUE(store().savepoint());
  ASSERT_TRUE(insert(1));
  ASSERT_TRUE(store().release_savepoint());

  ASSERT_TRUE(store().savepoint());
  ASSERT_TRUE(insert(2));
  (void)insert(1);  // a duplicate: PostgreSQL may tell only later
  EXPECT_FALSE(sql().query("SELECT 1"));
  EXPECT_FALSE(insert(3));
  EXPECT_FALSE(store().release_savepoint());
  ASSERT_TRUE(store().rollback_to_savepoint());

  ASSERT_TRUE(store().savepoint());
  ASSERT_TRUE(insert(4));
  ASSERT_TRUE(store().release_savepoint());
  ASSERT_TRUE(store().commit());
  EXPECT_EQ(keys(), "1;4");
}

TEST_P(Transaction, a_deferred_failure_shows_when_the_savepoint_is_released) {
  ASSERT_TRUE(store().begin());
  ASSERT_TRUE(store().savepoint());
  ASSERT_TRUE(insert(1));
  (void)insert(1);
  EXPECT_FALSE(store().release_savepoint());
  ASSERT_TRUE(store().rollback_to_savepoint());
  ASSERT_TRUE(store().commit());
  EXPECT_EQ(keys(), "");
}

TEST_P(Transaction, savepoints_nest) {
  ASSERT_TRUE(store().begin());
  ASSERT_TRUE(store().savepoint());
  ASSERT_TRUE(insert(1));
  ASSERT_TRUE(store().savepoint());
  ASSERT_TRUE(insert(2));
  (void)insert(2);
  ASSERT_TRUE(store().rollback_to_savepoint());
  ASSERT_TRUE(store().savepoint());
  ASSERT_TRUE(insert(3));
  ASSERT_TRUE(store().release_savepoint());
  ASSERT_TRUE(store().release_savepoint());
  ASSERT_TRUE(store().commit());
  EXPECT_EQ(keys(), "1;3");

  ASSERT_TRUE(store().begin());
  ASSERT_TRUE(store().savepoint());
  ASSERT_TRUE(store().savepoint());
  ASSERT_TRUE(insert(5));
  ASSERT_TRUE(store().release_savepoint());
  ASSERT_TRUE(store().rollback_to_savepoint());
  ASSERT_TRUE(store().commit());
  EXPECT_EQ(keys(), "1;3") << "the outer savepoint undoes what the inner one kept";
}

TEST_P(Transaction, rollback_undoes_the_batch) {
  ASSERT_TRUE(store().begin());
  ASSERT_TRUE(insert(1));
  store().rollback();
  EXPECT_EQ(keys(), "");
  ASSERT_TRUE(store().begin());
  ASSERT_TRUE(insert(1));
  ASSERT_TRUE(store().begin()) << "a batch that was left open is rolled back";
  ASSERT_TRUE(insert(2));
  ASSERT_TRUE(store().commit());
  EXPECT_EQ(keys(), "2");
}

TEST_P(Transaction, a_failure_outside_of_a_savepoint_fails_the_commit) {
  ASSERT_TRUE(store().begin());
  ASSERT_TRUE(insert(1));
  (void)insert(1);
  const auto committed = store().commit();
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().code, Code::unavailable);
  EXPECT_EQ(keys(), "");
  ASSERT_TRUE(store().begin());
  ASSERT_TRUE(insert(7));
  ASSERT_TRUE(store().commit());
  EXPECT_EQ(keys(), "7");
}

TEST_P(Transaction, a_large_operation_is_one_operation) {
  ASSERT_TRUE(store().begin());
  ASSERT_TRUE(store().savepoint());
  for (int i = 1; i <= 5'000; ++i) ASSERT_TRUE(insert(i));
  ASSERT_TRUE(store().release_savepoint());
  ASSERT_TRUE(store().commit());
  EXPECT_EQ(read("SELECT count(*) FROM t"), "5000");
}

TEST_P(Transaction, a_deferred_failure_shows_however_many_statements_came_before) {
  // Around the number of statements that PostgreSQL's pipeline takes before it is read.
  std::int64_t key = 0;
  ASSERT_TRUE(store().begin());
  for (int count = 194; count <= 204; ++count) {
    ASSERT_TRUE(store().savepoint());
    for (int i = 0; i < count; ++i) ASSERT_TRUE(insert(++key));
    (void)insert(key);
    EXPECT_FALSE(store().release_savepoint()) << count;
    ASSERT_TRUE(store().rollback_to_savepoint());
  }
  ASSERT_TRUE(store().commit());
  EXPECT_EQ(keys(), "");
}

TEST_P(Transaction, a_wrong_statement_is_internal_and_readers_recover) {
  {
    auto snapshot = store().snapshot();
    ASSERT_TRUE(snapshot);
    const auto wrong = snapshot->sql().query("SELECT nonsense FROM nowhere");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, Code::internal);
  }
  EXPECT_EQ(keys(), "");
}

TEST_P(Transaction, a_snapshot_sees_one_state_and_never_what_is_not_committed) {
  if (GetParam() == Backend::sqlite_memory) GTEST_SKIP() << "its one reader is the writer";
  execute({"INSERT INTO t VALUES (1)"});
  auto snapshot = store().snapshot();
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(text_of(*snapshot->sql().query("SELECT k FROM t")), "1");
  ASSERT_TRUE(store().begin());
  ASSERT_TRUE(insert(2));
  ASSERT_TRUE(sql().query("SELECT 1"));
  EXPECT_EQ(keys(), "1") << "not committed";
  ASSERT_TRUE(store().commit());
  EXPECT_EQ(keys(), "1;2") << "a new snapshot sees the commit";
  EXPECT_EQ(text_of(*snapshot->sql().query("SELECT k FROM t")), "1") << "the old one does not";
}

TEST_P(Transaction, a_snapshot_cannot_write) {
  if (GetParam() == Backend::sqlite_memory) GTEST_SKIP() << "its one reader is the writer";
  {
    auto snapshot = store().snapshot();
    EXPECT_FALSE(snapshot->sql().query("INSERT INTO t VALUES (9) RETURNING k"));
  }
  EXPECT_EQ(keys(), "");
}

TEST_P(Transaction, snapshots_are_limited_and_come_back) {
  if (GetParam() == Backend::sqlite_memory) GTEST_SKIP() << "its one reader is the writer";
  std::vector<store::Snapshot> held;
  for (int i = 0; i < options_.readers; ++i) held.push_back(store().snapshot().value());
  const auto refused = store().snapshot();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
  held[0] = std::move(held[1]);  // gives back what held[0] had
  EXPECT_TRUE(store().snapshot());
}

TEST_P(Transaction, an_operation_that_fails_at_any_statement_changes_nothing) {
  testing::FaultyStore faulty(std::move(store_));
  const auto operation = [&](store::Tx& tx) -> Result<void> {
    BATON_TRY_VOID(tx.sql().exec("INSERT INTO t (k) VALUES (10)"));
    BATON_TRY_VOID(tx.append("test.done", "test:1"));
    BATON_TRY_VOID(tx.set_deadline("test", "test:1", from_ms(5)));
    BATON_TRY_VOID(tx.sql().exec("UPDATE t SET k = k + 1"));
    return {};
  };
  int n = 1;
  for (;; ++n) {
    faulty.fail_statement(n);
    ASSERT_TRUE(faulty.begin());
    ASSERT_TRUE(faulty.savepoint());
    store::Tx tx(faulty.writer(), now_);
    auto result = operation(tx);
    if (result) result = faulty.release_savepoint();
    if (!faulty.has_failed()) break;
    EXPECT_FALSE(result) << "statement " << n;
    ASSERT_TRUE(faulty.rollback_to_savepoint());
    EXPECT_TRUE(faulty.writer().query("SELECT k FROM t")->empty());
    EXPECT_EQ(store::last_journal_seq(faulty.writer()).value(), 0);
    EXPECT_FALSE(store::next_deadline(faulty.writer()).value());
    ASSERT_TRUE(faulty.commit());
    faulty.forget_failure();
  }
  EXPECT_EQ(n, 5) << "four statements";
  ASSERT_TRUE(faulty.commit());
}

INSTANTIATE_TEST_SUITE_P(Store, Transaction,
                         ::testing::Values(Backend::sqlite_memory, Backend::sqlite_disk,
                                           Backend::postgres),
                         [](const auto& parameter) { return name_of(parameter.param); });

}  // namespace
}  // namespace baton::contract
