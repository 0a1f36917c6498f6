// SPDX-License-Identifier: MIT
#include "engine/writer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "engine/feed.h"

namespace baton::engine {
namespace {

using store::Deadline;
using store::Store;
using store::Tx;

Now at(std::int64_t ms) { return {from_ms(ms), from_ms(ms)}; }

Operation<Seq> append(std::string kind) {
  return [kind = std::move(kind)](Context& context) { return context.tx.append(kind, "test:1"); };
}

/// Counts what the writer asks of its store, and refuses the beginning or end of a batch.
class WatchedStore final : public Store {
 public:
  explicit WatchedStore(std::unique_ptr<Store> inner) : inner_(std::move(inner)) {}
  store::Dialect dialect() const override { return inner_->dialect(); }
  store::Session& writer() override { return inner_->writer(); }
  Result<void> begin() override {
    ++begins;
    if (fail_begin) return tl::unexpected(*fail_begin);
    return inner_->begin();
  }
  Result<void> savepoint() override { return inner_->savepoint(); }
  Result<void> release_savepoint() override { return inner_->release_savepoint(); }
  Result<void> rollback_to_savepoint() override { return inner_->rollback_to_savepoint(); }
  Result<void> commit() override {
    if (fail_commits > 0) {
      --fail_commits;
      inner_->rollback();
      return fail(Code::unavailable, "the disk is full");
    }
    ++commits;
    return inner_->commit();
  }
  void rollback() override { inner_->rollback(); }
  void between_batches() override { inner_->between_batches(); }
  void idle() override { ++idles; }
  Result<store::Snapshot> snapshot() override { return inner_->snapshot(); }

  std::optional<Error> fail_begin;
  std::atomic<int> begins = 0, commits = 0, fail_commits = 0, idles = 0;

 private:
  std::unique_ptr<Store> inner_;
};

class WriterTest : public testing::Test {
 protected:
  WatchedStore store_{std::move(Store::open({.data = ":memory:"})).value()};
  Feed feed_;
  std::atomic<std::int64_t> now_ = 1'000;
  std::vector<std::string> due_;
  bool deadline_fails_ = false;
  Writer writer_{store_, feed_, [this] { return at(now_); }, Ids(1),
                 [this](Context& context, const Deadline& deadline) -> Result<void> {
                   due_.push_back(deadline.kind + " " + deadline.subject);
                   if (deadline_fails_) return fail(Code::internal, "refused");
                   BATON_TRY_VOID(context.tx.append("deadline.met", deadline.subject));
                   return {};
                 }};

  Operation<int> set_deadline(std::string subject, std::int64_t due) {
    return [=](Context& context) -> Result<int> {
      BATON_TRY_VOID(context.tx.set_deadline("test", subject, from_ms(due)));
      return 0;
    };
  }
  std::size_t journal_size() {
    auto snapshot = store_.snapshot();
    return store::read_journal(snapshot->sql(), 0, 100'000)->size();
  }
};

TEST_F(WriterTest, answers_after_one_commit_for_all_that_is_queued) {
  std::vector<Seq> answered;
  for (int i = 0; i < 5; ++i)
    writer_.submit<Seq>(append("test.done"), [&](Result<Seq> seq) {
      EXPECT_EQ(store_.commits, 1);
      EXPECT_EQ(feed_.last(), 5) << "the feed is told before the answers leave";
      answered.push_back(seq.value());
    });
  EXPECT_EQ(writer_.step(at(1'000)), 5u);
  EXPECT_EQ(answered, (std::vector<Seq>{1, 2, 3, 4, 5}));
  EXPECT_EQ(store_.commits, 1);
}

TEST_F(WriterTest, a_look_is_answered_without_a_commit_and_while_none_succeeds) {
  const auto look = [](Context& context) -> Result<std::int64_t> {
    return to_ms(context.now.at);
  };
  std::vector<std::string> answers;
  store_.fail_commits = 2;
  writer_.submit<Seq>(append("test.lost"),
                      [&](Result<Seq> seq) { answers.push_back(seq ? "stored" : "lost"); });
  writer_.look<std::int64_t>(look, [&](Result<std::int64_t> seen) {
    EXPECT_TRUE(seen);
    answers.push_back("seen");
  });
  writer_.step(at(1'000));
  EXPECT_EQ(answers, (std::vector<std::string>{"seen", "lost"}));
  EXPECT_TRUE(writer_.refuses());
  writer_.look<std::int64_t>(look, [](Result<std::int64_t> seen) { EXPECT_TRUE(seen); });
  writer_.step(at(1'000));
  EXPECT_TRUE(writer_.refuses()) << "a look does not show that changes can be stored";
  writer_.look<std::int64_t>(
      [](Context&) -> Result<std::int64_t> { return fail(Code::not_found, "none"); },
      [](Result<std::int64_t> seen) { EXPECT_EQ(seen.error().code, Code::not_found); });
  writer_.step(at(1'000));
  store_.fail_begin = Error{Code::unavailable, "the connection broke"};
  bool refused = false;
  writer_.look<std::int64_t>(look, [&](Result<std::int64_t> seen) { refused = !seen; });
  writer_.step(at(1'000));
  EXPECT_TRUE(refused);
}

TEST_F(WriterTest, an_operation_that_fails_rolls_back_alone) {
  std::vector<Result<Seq>> answers;
  const auto keep = [&](Result<Seq> seq) { answers.push_back(std::move(seq)); };
  writer_.submit<Seq>(append("test.first"), keep);
  writer_.submit<Seq>(
      [](Context& context) -> Result<Seq> {
        BATON_TRY_VOID(context.tx.append("test.undone", "test:1"));
        return fail(Code::conflict, "no");
      },
      keep);
  writer_.submit<Seq>(append("test.last"), keep);
  writer_.step(at(1'000));
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_TRUE(answers[0]);
  EXPECT_EQ(answers[1].error().code, Code::conflict);
  EXPECT_TRUE(answers[2]);
  EXPECT_EQ(journal_size(), 2u);
}

TEST_F(WriterTest, an_operation_that_ignores_a_failed_statement_is_refused) {
  const auto result = writer_.run<int>([](Context& context) -> Result<int> {
    BATON_TRY_VOID(context.tx.append("test.undone", "test:1"));
    (void)context.tx.sql().exec("INSERT INTO nowhere VALUES (1)");
    return 1;
  });
  EXPECT_EQ(result.error().code, Code::internal);
  EXPECT_EQ(journal_size(), 0u);
}

TEST_F(WriterTest, a_failed_commit_answers_the_whole_batch_and_the_next_one_works) {
  std::vector<Code> codes;
  store_.fail_commits = 1;
  for (int i = 0; i < 3; ++i)
    writer_.submit<Seq>(append("test.lost"),
                        [&](Result<Seq> seq) { codes.push_back(seq.error().code); });
  writer_.step(at(1'000));
  EXPECT_EQ(codes, (std::vector<Code>(3, Code::unavailable)));
  EXPECT_EQ(feed_.last(), 0);
  EXPECT_TRUE(writer_.run<Seq>(append("test.done")));
  EXPECT_EQ(journal_size(), 1u);
}

TEST_F(WriterTest, says_why_it_refuses_until_something_is_stored_again) {
  EXPECT_FALSE(writer_.refuses());
  store_.fail_commits = 1;
  EXPECT_FALSE(writer_.run<Seq>(append("test.lost")));
  ASSERT_TRUE(writer_.refuses());
  EXPECT_EQ(writer_.refuses()->message, "the disk is full");
  const auto refused =
      writer_.run<int>([](Context&) -> Result<int> { return fail(Code::invalid, "no"); });
  EXPECT_EQ(refused.error().code, Code::invalid);
  EXPECT_TRUE(writer_.refuses()) << "nothing was stored";
  EXPECT_TRUE(writer_.run<Seq>(append("test.done")));
  EXPECT_FALSE(writer_.refuses());
}

TEST_F(WriterTest, a_change_that_the_database_refuses_is_trouble_too) {
  const auto refused = writer_.run<Seq>([](Context& context) -> Result<Seq> {
    BATON_TRY_VOID(context.tx.sql().exec("PRAGMA query_only=ON"));
    return context.tx.append("test.lost", "test:1");
  });
  EXPECT_EQ(refused.error().code, Code::unavailable);
  ASSERT_TRUE(writer_.refuses());
  EXPECT_EQ(writer_.refuses()->message, refused.error().message);
}

TEST_F(WriterTest, an_operation_that_is_unavailable_by_itself_is_no_trouble_of_the_database) {
  const auto refused = writer_.run<int>(
      [](Context&) -> Result<int> { return fail(Code::unavailable, "no time zones here"); });
  EXPECT_EQ(refused.error().code, Code::unavailable);
  EXPECT_FALSE(writer_.refuses());
}

TEST_F(WriterTest, tries_by_itself_whether_changes_can_be_stored_again) {
  writer_.start();
  store_.fail_commits = 2;
  EXPECT_FALSE(writer_.run<Seq>(append("test.lost")));
  while (store_.commits == 0) std::this_thread::yield();
  while (writer_.refuses()) std::this_thread::yield();
  EXPECT_EQ(store_.fail_commits, 0);
  EXPECT_EQ(journal_size(), 0u);
}

TEST_F(WriterTest, meets_deadlines_in_their_order_and_only_once) {
  ASSERT_TRUE(writer_.run(set_deadline("b", 3'000)));
  ASSERT_TRUE(writer_.run(set_deadline("a", 3'000)));
  ASSERT_TRUE(writer_.run(set_deadline("c", 2'000)));
  EXPECT_EQ(writer_.next_deadline().value(), from_ms(2'000));
  EXPECT_EQ(writer_.step(at(1'999)), 0u);
  EXPECT_EQ(writer_.step(at(3'000)), 3u);
  EXPECT_EQ(due_, (std::vector<std::string>{"test c", "test a", "test b"}));
  EXPECT_EQ(writer_.next_deadline().value(), std::nullopt);
  EXPECT_EQ(writer_.step(at(9'000)), 0u);
}

TEST_F(WriterTest, a_deadline_that_fails_comes_again_later) {
  ASSERT_TRUE(writer_.run(set_deadline("a", 2'000)));
  deadline_fails_ = true;
  writer_.step(at(2'000));
  EXPECT_EQ(writer_.next_deadline().value(), from_ms(2'000) + kDeadlineRetry);
  deadline_fails_ = false;
  writer_.step(Now{from_ms(2'000) + kDeadlineRetry, {}});
  EXPECT_EQ(due_.size(), 2u);
  EXPECT_EQ(journal_size(), 1u);
}

TEST_F(WriterTest, a_deadline_of_a_failed_commit_is_met_again) {
  ASSERT_TRUE(writer_.run(set_deadline("a", 2'000)));
  store_.fail_commits = 1;
  writer_.step(at(2'000));
  EXPECT_EQ(journal_size(), 0u);
  writer_.step(at(2'000));
  EXPECT_EQ(due_.size(), 2u);
  EXPECT_EQ(journal_size(), 1u);
}

TEST_F(WriterTest, refuses_beyond_the_queue_limit) {
  int answered = 0;
  for (std::size_t i = 0; i < kSubmitQueueMax; ++i)
    writer_.submit<Seq>(append("test.done"), [&](Result<Seq> seq) { answered += seq.has_value(); });
  Code refused{};
  writer_.submit<Seq>(append("test.done"), [&](Result<Seq> seq) { refused = seq.error().code; });
  EXPECT_EQ(refused, Code::limit);
  while (writer_.step(at(1'000)) > 0) {
  }
  EXPECT_EQ(answered, static_cast<int>(kSubmitQueueMax));
}

TEST_F(WriterTest, halts_for_good_when_another_server_writes) {
  std::string halted;
  writer_.on_halt([&](const Error& error) { halted = error.message; });
  store_.fail_begin = Error{Code::conflict, "another server"};
  EXPECT_EQ(writer_.run<Seq>(append("test.done")).error().code, Code::unavailable);
  EXPECT_EQ(halted, "another server");
  store_.fail_begin.reset();
  EXPECT_EQ(writer_.run<Seq>(append("test.done")).error().code, Code::unavailable);
  EXPECT_EQ(journal_size(), 0u);
}

TEST_F(WriterTest, many_threads_submit_and_every_answer_is_stored) {
  writer_.start();
  std::vector<std::thread> producers;
  std::atomic<int> stored = 0;
  for (int i = 0; i < 8; ++i)
    producers.emplace_back([&] {
      for (int n = 0; n < 50; ++n) stored += writer_.run<Seq>(append("test.done")).has_value();
    });
  for (auto& producer : producers) producer.join();
  writer_.stop();
  EXPECT_EQ(stored, 400);
  EXPECT_EQ(journal_size(), 400u);
  EXPECT_EQ(feed_.last(), 400);
}

TEST_F(WriterTest, readers_are_woken_by_events_of_their_kinds_only) {
  std::vector<Seq> all, runs, refused;
  feed_.subscribe([&](Seq seq) { all.push_back(seq); });
  feed_.subscribe([&](Seq seq) { runs.push_back(seq); }, "run.");
  const auto step = [&] { writer_.step(at(0)); };
  writer_.submit<Seq>(append("suite.declared"), [](Result<Seq>) {});
  step();  // what was in the journal before is not known: everybody looks
  writer_.submit<Seq>(append("suite.declared"), [](Result<Seq>) {});
  step();
  writer_.submit<Seq>(append("suite.declared"), [](Result<Seq>) {});
  writer_.submit<Seq>(append("run.queued"), [](Result<Seq>) {});
  step();
  EXPECT_EQ(all, (std::vector<Seq>{1, 2, 4}));
  EXPECT_EQ(runs, (std::vector<Seq>{1, 4}));
}

TEST_F(WriterTest, stop_answers_what_is_queued_and_refuses_what_comes_later) {
  std::atomic<int> answered = 0;
  for (int i = 0; i < 2'000; ++i)
    writer_.submit<Seq>(append("test.done"), [&](Result<Seq> seq) { answered += seq.has_value(); });
  writer_.start();
  writer_.stop();
  EXPECT_EQ(answered, 2'000);
  EXPECT_EQ(writer_.run<Seq>(append("test.done")).error().code, Code::unavailable);
}

TEST_F(WriterTest, a_started_writer_meets_a_deadline_by_itself_and_rests_when_idle) {
  const auto began = std::chrono::steady_clock::now();
  std::mutex mutex;
  std::condition_variable woken;
  Seq seen = 0;
  const auto subscription = feed_.subscribe([&](Seq seq) {
    const std::lock_guard lock(mutex);
    seen = seq;
    woken.notify_all();
  });
  writer_.start();
  ASSERT_TRUE(writer_.run(set_deadline("a", 1'000)));  // due already
  std::unique_lock lock(mutex);
  ASSERT_TRUE(woken.wait_for(lock, std::chrono::seconds(10), [&] { return seen == 1; }));
  lock.unlock();
  feed_.unsubscribe(subscription);
  while (store_.idles == 0 && std::chrono::steady_clock::now() - began < std::chrono::seconds(10))
    std::this_thread::yield();
  EXPECT_EQ(store_.idles, 1);
  EXPECT_LT(store_.begins, 5) << "an idle writer does not spin";
}

}  // namespace
}  // namespace baton::engine
