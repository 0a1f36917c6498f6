// SPDX-License-Identifier: MIT
// The writer over every backend: what it answered is stored, what it refused is not.
#include "engine/writer.h"

#include <atomic>
#include <thread>

#include "backends.h"
#include "engine/feed.h"

namespace baton::contract {
namespace {

using engine::Context;
using engine::Operation;

class WriterOver : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    execute({"CREATE TABLE t (k BIGINT PRIMARY KEY, producer BIGINT)"});
    writer_ = std::make_unique<engine::Writer>(
        store(), feed_, [this] { return now_; }, Ids(7),
        [](Context&, const store::Deadline&) -> Result<void> { return {}; });
  }
  void TearDown() override {
    writer_.reset();
    StoreTest::TearDown();
  }
  static Operation<Seq> insert(std::int64_t key, std::int64_t producer, bool refuse) {
    return [=](Context& context) -> Result<Seq> {
      BATON_TRY_VOID(context.tx.sql().exec("INSERT INTO t (k, producer) VALUES (?, ?)",
                                           {key, producer}));
      BATON_TRY(seq, context.tx.append("test.done", fmt::format("test:{}", key)));
      if (refuse) return fail(Code::conflict, "refused");
      return seq;
    };
  }
  engine::Feed feed_;
  std::unique_ptr<engine::Writer> writer_;
};

TEST_P(WriterOver, keeps_what_it_answered_and_nothing_else) {
  writer_->start();
  std::atomic<int> kept = 0, refused = 0, duplicate = 0;
  std::vector<std::thread> producers;
  for (int producer = 0; producer < 8; ++producer)
    producers.emplace_back([&, producer] {
      for (int n = 0; n < 30; ++n) {
        const auto answer = writer_->run(insert(producer * 30 + n, producer, n % 3 == 0));
        if (answer) ++kept;
        else if (answer.error().code == Code::conflict) ++refused;
        if (n % 3 == 1 && !writer_->run(insert(producer * 30 + n, producer, false))) ++duplicate;
      }
    });
  for (auto& producer : producers) producer.join();
  writer_->stop();
  EXPECT_EQ(kept, 160);
  EXPECT_EQ(refused, 80);
  EXPECT_EQ(duplicate, 80);
  EXPECT_EQ(read("SELECT count(*) FROM t"), "160");
  EXPECT_EQ(read("SELECT count(*) FROM event"), "160");
  EXPECT_EQ(read("SELECT max(seq) FROM event"), std::to_string(feed_.last()));
}

TEST_P(WriterOver, tells_the_feed_where_the_journal_stood_when_it_began) {
  ASSERT_TRUE(writer_->run(insert(1, 1, false)));
  const Seq last = feed_.last();
  EXPECT_GT(last, 0);
  writer_ = nullptr;
  engine::Feed fresh;
  engine::Writer again(store(), fresh, [this] { return now_; }, Ids(7),
                       [](Context&, const store::Deadline&) -> Result<void> { return {}; });
  again.step(now_);
  EXPECT_EQ(fresh.last(), last);
}

INSTANTIATE_TEST_SUITE_P(Store, WriterOver,
                         ::testing::Values(Backend::sqlite_memory, Backend::sqlite_disk,
                                           Backend::postgres),
                         [](const auto& parameter) { return name_of(parameter.param); });

}  // namespace
}  // namespace baton::contract
