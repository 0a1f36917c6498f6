// SPDX-License-Identifier: MIT
// The journal and the deadlines behave alike in every backend.
#include "backends.h"

namespace baton::contract {
namespace {

using store::Tx;

class Journal : public StoreTest {
 protected:
  std::vector<Seq> append(std::initializer_list<std::pair<const char*, const char*>> events) {
    std::vector<Seq> seqs;
    const auto done = commit([&](Tx& tx) -> Result<void> {
      for (const auto& [kind, subject] : events) {
        BATON_TRY(seq, tx.append(kind, subject, R"({"n":1})"));
        seqs.push_back(seq);
        EXPECT_EQ(tx.last_seq(), seq);
      }
      return {};
    });
    EXPECT_TRUE(done) << done.error().message;
    return seqs;
  }
  std::string kinds(Seq after, int limit, std::string_view prefix = "",
                    std::string_view subject = "") {
    auto snapshot = store().snapshot();
    const auto events = store::read_journal(snapshot->sql(), after, limit, prefix, subject);
    if (!events) return events.error().message;
    std::string text;
    for (const model::Event& event : *events) text += event.kind + " ";
    return text;
  }
};

TEST_P(Journal, positions_rise_strictly_in_the_order_of_commits) {
  const auto first = append({{"run.queued", "run:1"}, {"run.started", "run:1"}});
  const auto second = append({{"run.finished", "run:1"}});
  ASSERT_EQ(first.size(), 2u);
  EXPECT_LT(0, first[0]);
  EXPECT_LT(first[0], first[1]);
  EXPECT_LT(first[1], second[0]);
  EXPECT_EQ(kinds(0, 10), "run.queued run.started run.finished ");
  EXPECT_EQ(kinds(first[0], 10), "run.started run.finished ");
  EXPECT_EQ(kinds(0, 2), "run.queued run.started ");
}

TEST_P(Journal, is_read_by_kind_and_subject) {
  append({{"run.queued", "run:1"}, {"runner.lost", "run:1"}, {"run.queued", "run:12"},
          {"run_x", "run:1"}});
  EXPECT_EQ(kinds(0, 10, "run."), "run.queued run.queued ");
  EXPECT_EQ(kinds(0, 10, "", "run:1"), "run.queued runner.lost run_x ");
  EXPECT_EQ(kinds(0, 10, "run.", "run:1"), "run.queued ");
  EXPECT_EQ(kinds(0, 10, "%"), "");
}

TEST_P(Journal, keeps_what_it_was_given) {
  append({{"run.queued", "run:\xC3\xA4"}});
  auto snapshot = store().snapshot();
  const auto events = store::read_journal(snapshot->sql(), 0, 1);
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ(events->at(0).subject, "run:\xC3\xA4");
  EXPECT_EQ(events->at(0).data, R"({"n":1})");
  EXPECT_EQ(events->at(0).at, now_.wall);
}

TEST_P(Journal, a_position_is_never_given_twice) {
  const auto before = append({{"a", "x"}, {"b", "x"}});
  execute({"DELETE FROM event"});
  if (survives_closing()) {
    ASSERT_TRUE(reopen());
  }
  EXPECT_GT(append({{"c", "x"}})[0], before[1]);
}

TEST_P(Journal, rolled_back_events_leave_no_trace) {
  ASSERT_FALSE(commit([&](Tx& tx) -> Result<void> {
    BATON_TRY_VOID(tx.append("a", "x"));
    return fail(Code::conflict, "no");
  }));
  EXPECT_EQ(kinds(0, 10), "");
}

TEST_P(Journal, deadlines_are_unique_and_come_in_order) {
  const auto done = commit([&](Tx& tx) -> Result<void> {
    EXPECT_FALSE(tx.earliest_due());
    BATON_TRY_VOID(tx.set_deadline("b", "run:1", from_ms(300)));
    BATON_TRY_VOID(tx.set_deadline("a", "run:2", from_ms(200)));
    BATON_TRY_VOID(tx.set_deadline("a", "run:1", from_ms(200)));
    BATON_TRY_VOID(tx.set_deadline("b", "run:1", from_ms(100)));  // moved
    BATON_TRY_VOID(tx.set_deadline("c", "run:1", from_ms(50)));
    BATON_TRY_VOID(tx.clear_deadline("c", "run:1"));
    BATON_TRY_VOID(tx.clear_deadline("c", "run:7"));
    EXPECT_EQ(tx.earliest_due(), from_ms(50));
    return {};
  });
  ASSERT_TRUE(done) << done.error().message;
  auto snapshot = store().snapshot();
  EXPECT_EQ(store::next_deadline(snapshot->sql()).value(), from_ms(100));
  std::string due;
  const auto found = store::due_deadlines(snapshot->sql(), from_ms(200), 10);
  ASSERT_TRUE(found);
  for (const auto& deadline : *found)
    due += deadline.kind + " " + deadline.subject + ";";
  EXPECT_EQ(due, "b run:1;a run:1;a run:2;");
  EXPECT_EQ(store::due_deadlines(snapshot->sql(), from_ms(200), 1)->size(), 1u);
  EXPECT_TRUE(store::due_deadlines(snapshot->sql(), from_ms(99), 10)->empty());
}

INSTANTIATE_TEST_SUITE_P(Store, Journal,
                         ::testing::Values(Backend::sqlite_memory, Backend::sqlite_disk,
                                           Backend::postgres),
                         [](const auto& parameter) { return name_of(parameter.param); });

}  // namespace
}  // namespace baton::contract
