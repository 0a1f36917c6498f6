// SPDX-License-Identifier: MIT
// What only PostgreSQL can do to us: restart, cut connections, share its cluster and its names.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <set>
#include <thread>

#include "engine/feed.h"
#include "engine/writer.h"
#include "testing/postgres.h"

namespace baton::contract {
namespace {

using engine::Context;
using engine::Writer;
using store::Store;
using testing::PostgresCluster;

std::function<Now()> clock_of_test() {
  return [] {
    const auto at =
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch());
    return Now{TimePoint(at), TimePoint(at)};
  };
}

Result<void> no_deadline(Context&, const store::Deadline&) { return {}; }

engine::Operation<Seq> insert(std::int64_t key) {
  return [=](Context& context) -> Result<Seq> {
    BATON_TRY_VOID(context.tx.sql().exec("INSERT INTO t (k) VALUES (?)", {key}));
    return context.tx.append("test.done", "test:1");
  };
}

engine::Operation<int> create_table() {
  return [](Context& context) -> Result<int> {
    BATON_TRY_VOID(context.tx.sql().exec("CREATE TABLE t (k BIGINT PRIMARY KEY)"));
    return 0;
  };
}

/// Tries until it works, as a client with a retry does.
bool eventually(Writer& writer, std::int64_t key) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < deadline) {
    if (writer.run(insert(key))) return true;
    std::this_thread::yield();
  }
  return false;
}

TEST(Postgres, restarts_lose_nothing_that_was_answered) {
  auto cluster = PostgresCluster::start(true).value();
  auto store = Store::open({.data = cluster->url(), .schema = "restarts"}).value();
  engine::Feed feed;
  Writer writer(*store, feed, clock_of_test(), Ids(1), no_deadline);
  writer.start();
  ASSERT_TRUE(writer.run(create_table()));
  std::atomic<bool> stop = false;
  std::atomic<int> unavailable = 0;
  std::vector<std::thread> producers;
  std::vector<std::set<std::int64_t>> answered(4);
  for (std::size_t producer = 0; producer < answered.size(); ++producer)
    producers.emplace_back([&, producer] {
      for (std::int64_t key = static_cast<std::int64_t>(producer) * 1'000'000; !stop; ++key) {
        const auto result = writer.run(insert(key));
        if (result)
          answered[producer].insert(key);
        else
          EXPECT_EQ(result.error().code, Code::unavailable) << result.error().message;
        if (!result) ++unavailable;
      }
    });
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(cluster->restart_at_once());
    ASSERT_TRUE(eventually(writer, 900'000'000 + i));
  }
  stop = true;
  for (auto& producer : producers) producer.join();
  writer.stop();
  EXPECT_GT(unavailable, 0);

  std::set<std::int64_t> stored;
  auto snapshot = store->snapshot();
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  const auto rows = snapshot->sql().query("SELECT k FROM t");
  ASSERT_TRUE(rows);
  for (const auto& row : *rows) stored.insert(row.integer(0));
  std::size_t count = 0;
  for (const auto& keys : answered)
    for (const std::int64_t key : keys) {
      EXPECT_TRUE(stored.contains(key)) << key;
      ++count;
    }
  EXPECT_GT(count, 0u);
}

TEST(Postgres, a_cut_connection_is_made_again_with_the_lock) {
  auto& cluster = PostgresCluster::shared();
  auto store = Store::open({.data = cluster.url(), .schema = "cut"}).value();
  engine::Feed feed;
  Writer writer(*store, feed, clock_of_test(), Ids(1), no_deadline);
  ASSERT_TRUE(writer.run(create_table()));
  {
    auto snapshot = store->snapshot();
    ASSERT_TRUE(snapshot->sql().query(
        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_namespace n "
        "ON n.nspname = 'cut' WHERE l.locktype = 'advisory'"));
  }
  EXPECT_EQ(writer.run(insert(1)).error().code, Code::unavailable);
  ASSERT_TRUE(eventually(writer, 2));
  const auto second = Store::open({.data = cluster.url(), .schema = "cut"});
  ASSERT_FALSE(second) << "the lock is held again";
  EXPECT_EQ(second.error().code, Code::conflict);
}

TEST(Postgres, a_server_that_lost_its_lock_to_another_stops_writing) {
  auto& cluster = PostgresCluster::shared();
  auto first = Store::open({.data = cluster.url(), .schema = "lost"}).value();
  engine::Feed feed;
  Writer writer(*first, feed, clock_of_test(), Ids(1), no_deadline);
  std::string halted;
  writer.on_halt([&](const Error& error) { halted = error.message; });
  ASSERT_TRUE(writer.run(create_table()));
  {
    // Only this test's lock: the readers of all stores share the cluster.
    auto snapshot = first->snapshot();
    ASSERT_TRUE(snapshot->sql().query(
        "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.application_name = "
        "replace(current_setting('application_name'), 'reader', 'writer')"));
  }
  auto second = Store::open({.data = cluster.url(), .schema = "lost"});
  ASSERT_TRUE(second) << second.error().message;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (halted.empty() && std::chrono::steady_clock::now() < deadline)
    EXPECT_FALSE(writer.run(insert(1)));
  EXPECT_NE(halted.find("another Baton server"), std::string::npos) << halted;
  EXPECT_FALSE(writer.run(insert(2)));
  EXPECT_TRUE((*second)->snapshot()->sql().query("SELECT k FROM t")->empty());
}

TEST(Postgres, readers_recover_from_a_restart) {
  auto cluster = PostgresCluster::start().value();
  auto store = Store::open({.data = cluster->url(), .schema = "readers"}).value();
  { ASSERT_TRUE(store->snapshot()); }
  ASSERT_TRUE(cluster->restart_at_once());
  auto snapshot = store->snapshot();
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_TRUE(snapshot->sql().query("SELECT count(*) FROM event"));
}

TEST(Postgres, an_address_that_names_the_application_does_not_hide_whose_the_lock_is) {
  auto& cluster = PostgresCluster::shared();
  auto store =
      Store::open({.data = cluster.url() + "&application_name=team-pay", .schema = "named"});
  ASSERT_TRUE(store) << store.error().message;
  auto snapshot = (*store)->snapshot();
  const auto rows = snapshot->sql().query("SELECT current_setting('application_name')");
  ASSERT_TRUE(rows);
  EXPECT_TRUE(rows->at(0).text(0).starts_with("baton reader ")) << rows->at(0).text(0);
}

TEST(Postgres, a_baton_in_another_database_of_the_cluster_is_no_rival) {
  auto& cluster = PostgresCluster::shared();
  auto first = Store::open({.data = cluster.url(), .schema = "rival"});
  ASSERT_TRUE(first) << first.error().message;
  // Advisory locks are of one database, and their view shows those of all.
  std::string url = cluster.url();
  url.replace(url.find("/postgres?"), 10, "/template1?");
  auto second = Store::open({.data = url, .schema = "rival"});
  ASSERT_TRUE(second) << second.error().message;
  const auto third = Store::open({.data = url, .schema = "rival"});
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Code::conflict);
}

TEST(Postgres, an_address_without_a_server_is_unavailable) {
  const auto refused = Store::open({.data = "postgres://baton@/baton?host=/nonexistent"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
  EXPECT_FALSE(refused.error().fix.empty());
}

TEST(Postgres, a_strange_schema_name_is_invalid) {
  for (const char* name : {"", "a;b", "A", "1a", "a-b", "\"x\""}) {
    const auto refused = Store::open({.data = PostgresCluster::shared().url(), .schema = name});
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, Code::invalid);
  }
}

}  // namespace
}  // namespace baton::contract
