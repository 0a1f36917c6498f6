// SPDX-License-Identifier: MIT
// What the writing session remembers of leases and slots is what the tables hold, whatever is
// rolled back; and a database of the step before keeps its leases.
#include "backends.h"
#include "store/environment_table.h"
#include "store/journal_table.h"
#include "store/lease_table.h"

namespace baton::contract {
namespace {

using model::LeaseState;
using store::Tx;

class LeaseRows : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    const auto done = commit([&](Tx& tx) -> Result<void> {
      BATON_TRY_VOID(declare(tx, "first"));
      store::SlotRow slot;
      slot.environment = "uat";
      return store::insert_slot(tx, slot);
    });
    ASSERT_TRUE(done) << done.error().message;
    remember();
  }

  // Read once, so that they are remembered.
  void remember() {
    ASSERT_EQ(store::slots_of(sql(), "uat").value().size(), 1u);
    ASSERT_TRUE(store::find_environment(sql(), "uat").value());
  }
  static Result<void> declare(Tx& tx, std::string description) {
    model::Environment environment;
    environment.name = "uat";
    environment.description = std::move(description);
    return store::put_environment(tx, environment, "environment.declared", "{}");
  }
  static model::Lease held(std::string id) {
    model::Lease lease;
    lease.id = std::move(id);
    lease.state = LeaseState::held;
    lease.request.holder.name = "ann";
    lease.request.wants.push_back({"uat", {}, model::LeaseMode::exclusive, 1});
    lease.grants.push_back({"uat", 1, model::LeaseMode::exclusive});
    lease.ttl = std::chrono::seconds{60};
    lease.granted_at = from_ms(2'000);
    lease.expires_at = from_ms(61'000);
    return lease;
  }
  Result<void> grant(Tx& tx, model::Lease& lease) {
    BATON_TRY(fence, store::next_fence(tx));
    lease.fence = fence;
    BATON_TRY_VOID(store::insert_lease(tx, lease, "lease.granted"));
    BATON_TRY_VOID(store::take_slot(tx, "uat", 1, model::LeaseMode::exclusive, lease.id));
    return store::begin_use(tx, lease, lease.grants[0]);
  }
  Result<void> release(Tx& tx, model::Lease lease) {
    lease.state = LeaseState::released;
    lease.ended_at = tx.now().wall;
    lease.expires_at.reset();
    BATON_TRY_VOID(store::update_lease(tx, lease, "lease.released"));
    BATON_TRY_VOID(store::end_use(tx, lease, lease.grants[0]));
    BATON_TRY(left, store::leave_slot(tx, "uat", 1));
    EXPECT_EQ(left, 0);
    return {};
  }
  std::string slot() { return read("SELECT state, holders, lease FROM slot"); }
  std::string remembered_slot() {
    const auto slots = store::slots_of(sql(), "uat").value();
    return fmt::format("{}|{}|{}", static_cast<int>(slots[0].state), slots[0].holders,
                       slots[0].lease);
  }
};

TEST_P(LeaseRows, what_is_rolled_back_is_not_remembered) {
  model::Lease lost = held("lse_lost");
  const auto failed = commit([&](Tx& tx) -> Result<void> {
    BATON_TRY_VOID(grant(tx, lost));
    BATON_TRY_VOID(declare(tx, "second"));
    EXPECT_EQ(remembered_slot(), "1|1|lse_lost");
    EXPECT_TRUE(store::find_lease(sql(), "lse_lost").value());
    EXPECT_EQ(store::find_environment(sql(), "uat").value()->description, "second");
    return fail(Code::conflict, "no");
  });
  EXPECT_EQ(failed.error().code, Code::conflict);
  EXPECT_EQ(remembered_slot(), "0|0|");
  EXPECT_FALSE(store::find_lease(sql(), "lse_lost").value());
  EXPECT_EQ(store::find_environment(sql(), "uat").value()->description, "first");

  model::Lease lease = held("lse_a");
  ASSERT_TRUE(commit([&](Tx& tx) { return grant(tx, lease); }));
  EXPECT_GT(lease.fence, 0);
  EXPECT_FALSE(commit([&](Tx& tx) -> Result<void> {
    BATON_TRY_VOID(release(tx, lease));
    return fail(Code::conflict, "no");
  }));
  EXPECT_EQ(remembered_slot(), "1|1|lse_a");
  EXPECT_EQ(store::find_lease(sql(), "lse_a").value()->state, LeaseState::held);
}

TEST_P(LeaseRows, an_operation_that_fails_does_not_take_back_the_one_before_it_in_its_batch) {
  model::Lease lease = held("lse_a");
  ASSERT_TRUE(store().begin());
  ASSERT_TRUE(store().savepoint());
  Tx first(sql(), now_);
  ASSERT_TRUE(grant(first, lease));
  ASSERT_TRUE(store().release_savepoint());
  ASSERT_TRUE(store().savepoint());
  Tx second(sql(), now_);
  ASSERT_TRUE(release(second, lease));
  ASSERT_TRUE(store().rollback_to_savepoint());
  EXPECT_EQ(remembered_slot(), "1|1|lse_a");
  store().rollback();  // as a failed commit does
  EXPECT_EQ(remembered_slot(), "0|0|");
  EXPECT_FALSE(store::find_lease(sql(), "lse_a").value());
}

TEST_P(LeaseRows, one_who_has_a_slot_for_himself_uses_it_from_the_grant_to_the_end) {
  model::Lease lease = held("lse_a");
  ASSERT_TRUE(commit([&](Tx& tx) { return grant(tx, lease); }));
  EXPECT_EQ(slot(), "1|1|lse_a");
  auto uses = store::current_uses(sql(), "uat").value();
  ASSERT_EQ(uses.size(), 1u);
  EXPECT_EQ(uses[0].seq, lease.seq);
  EXPECT_EQ(uses[0].fence, lease.fence);
  EXPECT_EQ(uses[0].from, from_ms(2'000));
  EXPECT_FALSE(uses[0].to);
  EXPECT_EQ(store::past_leases(sql(), "uat", 0, 10).value().size(), 1u);
  EXPECT_EQ(store::list_leases(sql(), {"uat", {}, true, "ann"}, 0, 10).value().size(), 1u);

  now_.wall = from_ms(5'000);
  ASSERT_TRUE(commit([&](Tx& tx) { return release(tx, lease); }));
  EXPECT_EQ(slot(), "0|0|lse_a");
  EXPECT_TRUE(store::current_uses(sql(), "uat").value().empty());
  uses = store::uses_between(sql(), "uat", from_ms(0), from_ms(9'000)).value();
  ASSERT_EQ(uses.size(), 1u);
  EXPECT_EQ(uses[0].to, from_ms(5'000));
  EXPECT_EQ(store::past_leases(sql(), "uat", 0, 10).value().size(), 1u);
  EXPECT_TRUE(store::list_leases(sql(), {"uat", {}, true, ""}, 0, 10).value().empty());
  EXPECT_EQ(store::list_leases(sql(), {"uat", {}, false, ""}, 0, 10).value().size(), 1u);
}

TEST_P(LeaseRows, the_expiry_of_a_lease_is_a_deadline_like_others) {
  model::Lease lease = held("lse_a");
  const auto subject = store::lease_subject(lease.id);
  ASSERT_TRUE(commit([&](Tx& tx) -> Result<void> {
    BATON_TRY_VOID(grant(tx, lease));
    EXPECT_EQ(tx.earliest_due(), from_ms(61'000));
    return tx.set_deadline("other", "run:1", from_ms(70'000));
  }));
  EXPECT_EQ(store::next_deadline(sql()).value(), from_ms(61'000));
  auto due = store::due_deadlines(sql(), from_ms(80'000), 10).value();
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(due[0].kind, store::kInLeaseRow);
  EXPECT_EQ(due[0].subject, subject);
  EXPECT_EQ(due[1].kind, "other");
  EXPECT_EQ(store::due_deadlines(sql(), from_ms(80'000), 1).value().size(), 1u);

  ASSERT_TRUE(commit([&](Tx& tx) {
    return tx.set_deadline(store::kInLeaseRow, subject, from_ms(90'000));
  }));
  EXPECT_EQ(store::find_lease(sql(), lease.id).value()->expires_at, from_ms(90'000));
  EXPECT_EQ(store::find_deadline(sql(), store::kInLeaseRow, subject).value(), from_ms(90'000));
  ASSERT_TRUE(commit([&](Tx& tx) { return tx.clear_deadline(store::kInLeaseRow, subject); }));
  EXPECT_FALSE(store::find_lease(sql(), lease.id).value()->expires_at);
  EXPECT_EQ(store::next_deadline(sql()).value(), from_ms(70'000));
}

TEST_P(LeaseRows, a_fence_is_beyond_all_that_were_given_before_a_restart) {
  if (!survives_closing()) GTEST_SKIP();
  std::int64_t last = 0;
  const auto next = [&] {
    const auto fence = commit([&](Tx& tx) { return store::next_fence(tx); });
    ASSERT_TRUE(fence);
    EXPECT_GT(*fence, last);
    last = *fence;
  };
  for (int i = 0; i < 1'200; ++i) next();
  ASSERT_TRUE(reopen());
  next();
  ASSERT_TRUE(commit([&](Tx& tx) { return store::raise_fence(tx, last + 10'000); }));
  last += 10'000;
  next();
  ASSERT_TRUE(reopen());
  next();
}

TEST_P(LeaseRows, a_database_of_the_step_before_keeps_its_leases) {
  if (!survives_closing()) GTEST_SKIP();
  model::Lease lease = held("lse_a");
  ASSERT_TRUE(commit([&](Tx& tx) { return grant(tx, lease); }));
  execute({"DROP TABLE gate", "DROP TABLE gate_label", "DROP TABLE gate_secret",
           "DROP TABLE gate_artifact", "DROP TABLE delivery",
           "DROP INDEX lease_expiry", "DROP INDEX lease_live",
           "ALTER TABLE lease DROP COLUMN expires_at",
           "CREATE INDEX lease_live ON lease (state, seq) WHERE state < 2",
           "CREATE INDEX lease_party ON lease (holder, seq) WHERE state < 2",
           "CREATE INDEX lease_ended ON lease (ended_at, seq) WHERE ended_at IS NOT NULL",
           "INSERT INTO deadline (kind, subject, due) "
           "VALUES ('lease_expiry', 'lease:lse_a', 61000)",
           "INSERT INTO lease_use (environment, seq, slot, mode, fence, from_at, to_at) "
           "SELECT 'uat', seq, 1, 0, fence, 2000, NULL FROM lease",
           "UPDATE meta SET value = '3' WHERE key = 'schema_version'"});
  ASSERT_TRUE(reopen());
  EXPECT_EQ(read("SELECT count(*) FROM deadline"), "0");
  EXPECT_EQ(store::find_lease(sql(), "lse_a").value()->expires_at, from_ms(61'000));
  EXPECT_EQ(store::current_uses(sql(), "uat").value().size(), 1u);
  ASSERT_TRUE(commit([&](Tx& tx) { return release(tx, lease); }));
  EXPECT_EQ(store::uses_between(sql(), "uat", from_ms(0), from_ms(9'000)).value().size(), 1u);
}

TEST_P(LeaseRows, old_leases_go_though_an_older_one_is_held_still) {
  model::Lease lasting = held("lse_0");
  lasting.created_at = from_ms(1'000);
  ASSERT_TRUE(commit([&](Tx& tx) { return store::insert_lease(tx, lasting, "lease.granted"); }));
  for (int i = 1; i <= 5; ++i) {
    model::Lease lease = held(fmt::format("lse_{}", i));
    lease.created_at = from_ms(1'000 + i);
    ASSERT_TRUE(commit([&](Tx& tx) { return grant(tx, lease); }));
    now_.wall = from_ms(2'000 + i);
    ASSERT_TRUE(commit([&](Tx& tx) { return release(tx, lease); }));
  }
  const auto remove = [&](TimePoint before, int limit) {
    return commit([&](Tx& tx) { return store::remove_leases_before(tx, before, limit); }).value();
  };
  EXPECT_EQ(remove(from_ms(1'000), 2), 0);
  EXPECT_EQ(remove(from_ms(2'004), 2), 2);
  EXPECT_EQ(remove(from_ms(2'004), 2), 1);
  EXPECT_EQ(read("SELECT id FROM lease ORDER BY seq"), "lse_0;lse_4;lse_5");
  EXPECT_EQ(read("SELECT count(*) FROM lease_use"), "2");
}

INSTANTIATE_TEST_SUITE_P(Store, LeaseRows,
                         ::testing::Values(Backend::sqlite_memory, Backend::sqlite_disk,
                                           Backend::postgres),
                         [](const auto& parameter) { return name_of(parameter.param); });

}  // namespace
}  // namespace baton::contract
