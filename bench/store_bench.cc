// SPDX-License-Identifier: MIT
// How many durable operations per second the writer answers with 1, 16 and 64 producers, beside
// what SQLite commits by itself in the same run, and how fast output is appended to a run's stream.
//   store_bench [FOLDER [postgres://…]]      medians of 5, two seconds each unless BENCH_SECONDS
//   says
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "engine/feed.h"
#include "engine/writer.h"
#include "store/blobs/run_streams.h"

namespace {

using Clock = std::chrono::steady_clock;
using baton::Result;

double seconds() {
  const char* text = std::getenv("BENCH_SECONDS");
  return text ? std::atof(text) : 2.0;
}

double median_of_5(auto measure) {
  std::vector<double> values;
  for (int i = 0; i < 5; ++i) values.push_back(measure());
  std::sort(values.begin(), values.end());
  return values[2];
}

double elapsed(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

/// One row and one event per commit, as an operation writes, by one connection with nothing around.
double bare_commits(const std::string& folder) {
  const std::string path = folder + "/bare.db";
  std::filesystem::remove(path);
  sqlite3* db = nullptr;
  sqlite3_open(path.c_str(), &db);
  const auto run = [&](const char* sql) { sqlite3_exec(db, sql, nullptr, nullptr, nullptr); };
  run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
      "CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT); CREATE TABLE e (k INTEGER PRIMARY KEY, v "
      "TEXT)");
  sqlite3_stmt* row = nullptr;
  sqlite3_stmt* event = nullptr;
  sqlite3_prepare_v2(db, "INSERT INTO t (v) VALUES ('0123456789')", -1, &row, nullptr);
  sqlite3_prepare_v2(db, "INSERT INTO e (v) VALUES ('0123456789')", -1, &event, nullptr);
  const auto began = Clock::now();
  int count = 0;
  for (; elapsed(began) < seconds(); ++count) {
    run("BEGIN IMMEDIATE");
    for (sqlite3_stmt* statement : {row, event}) {
      sqlite3_step(statement);
      sqlite3_reset(statement);
    }
    run("COMMIT");
  }
  const double rate = count / elapsed(began);
  sqlite3_finalize(row);
  sqlite3_finalize(event);
  sqlite3_close(db);
  return rate;
}

baton::Now now() {
  const auto at = std::chrono::duration_cast<baton::Duration>(Clock::now().time_since_epoch());
  return {baton::TimePoint(at), baton::TimePoint(at)};
}

/// Every producer submits its next operation when the last was answered.
double answered_operations(baton::engine::Writer& writer, int producers) {
  std::atomic<bool> stop = false;
  std::atomic<int> answered = 0;
  std::vector<std::thread> threads;
  const auto began = Clock::now();
  for (int i = 0; i < producers; ++i)
    threads.emplace_back([&] {
      while (!stop) {
        const auto done = writer.run<int>([](baton::engine::Context& context) -> Result<int> {
          BATON_TRY_VOID(context.tx.sql().exec("INSERT INTO bench (v) VALUES (?)",
                                               {std::string("0123456789")}));
          BATON_TRY_VOID(context.tx.append("bench.done", "bench:1"));
          return 0;
        });
        answered += done.has_value();
      }
    });
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds()));
  stop = true;
  for (auto& thread : threads) thread.join();
  return answered / elapsed(began);
}

void bench_writer(const std::string& data, const char* name) {
  auto store = baton::store::Store::open({.data = data, .schema = "bench"});
  if (!store) {
    std::printf("%s: %s\n", name, store.error().message.c_str());
    return;
  }
  baton::engine::Feed feed;
  baton::engine::Writer writer(
      **store, feed, now, baton::Ids(1),
      [](baton::engine::Context&, const baton::store::Deadline&) -> Result<void> { return {}; });
  writer.start();
  (void)writer.run<int>([](baton::engine::Context& context) -> Result<int> {
    BATON_TRY_VOID(context.tx.sql().exec("CREATE TABLE bench (v TEXT)"));
    return 0;
  });
  for (const int producers : {1, 16, 64})
    std::printf("%-10s %2d producers  %8.0f operations/s\n", name, producers,
                median_of_5([&] { return answered_operations(writer, producers); }));
}

void bench_stream(const std::string& folder) {
  auto streams = baton::store::RunStreams::open(folder + "/runs").value();
  std::string piece(256 << 10, 'x');
  for (std::size_t i = 0; i < piece.size(); ++i)
    piece[i] = static_cast<char>(i * 2654435761u >> 13);
  std::int64_t run = 0;
  const double rate = median_of_5([&] {
    ++run;
    std::vector<baton::store::StreamEntry> batch(16);
    std::int64_t seq = 0;
    const auto began = Clock::now();
    for (int i = 0; i < 32; ++i) {
      for (auto& entry : batch) {
        entry.epoch = 1;
        entry.seq = ++seq;
        entry.raw_size = static_cast<std::int64_t>(piece.size());
        entry.payload = piece;
      }
      if (!streams->append(baton::RunId{run}, batch)) return 0.0;
    }
    return static_cast<double>(seq * (256 << 10)) / 1e6 / elapsed(began);
  });
  std::printf("stream     append 4 MiB batches, durable  %6.0f MB/s stored\n", rate);
}

}  // namespace

int main(int argc, char** argv) {
  std::string folder = argc > 1 ? argv[1] : "/tmp/baton-bench-XXXXXX";
  if (argc < 2 && !::mkdtemp(folder.data())) return 1;
  std::filesystem::create_directories(folder);
  std::printf("SQLite alone            %8.0f commits/s\n",
              median_of_5([&] { return bare_commits(folder); }));
  bench_writer(folder + "/data", "sqlite");
  if (argc > 2) bench_writer(argv[2], "postgres");
  bench_stream(folder);
  if (argc < 2) std::filesystem::remove_all(folder);
  return 0;
}
