// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <random>
#include <thread>

#include "base/file.h"
#include "store/blobs/run_streams.h"

namespace baton::store {
namespace {

constexpr RunId kRun{1'007};

std::string compress(std::string_view text) {
  std::string frame(ZSTD_compressBound(text.size()), '\0');
  frame.resize(ZSTD_compress(frame.data(), frame.size(), text.data(), text.size(), 1));
  return frame;
}

class RunStreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "baton-streams-XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    reopen();
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  void reopen() {
    streams_.reset();
    streams_ = RunStreams::open(folder_).value();
  }
  std::string path(const char* ending) const { return folder_ + "/1/1007" + ending; }

  StreamEntry fact(EntryKind kind, std::string test, int attempt, std::string json = "{}") {
    StreamEntry entry;
    entry.epoch = 1;
    entry.seq = ++seq_;
    entry.kind = kind;
    entry.test = std::move(test);
    entry.attempt = attempt;
    entry.payload = std::move(json);
    return entry;
  }
  StreamEntry output(std::string test, int attempt, std::int64_t first_line, std::int64_t lines,
                     std::string_view text, Codec codec = Codec::zstd) {
    StreamEntry entry = fact(EntryKind::output, std::move(test), attempt, "");
    entry.first_line = first_line;
    entry.lines = lines;
    entry.raw_size = static_cast<std::int64_t>(text.size());
    entry.codec = codec;
    entry.payload = codec == Codec::zstd ? compress(text) : std::string(text);
    return entry;
  }
  Result<Appended> append(std::vector<StreamEntry> entries) {
    return streams_->append(kRun, entries);
  }
  std::vector<StreamEntry> all() {
    auto entries = streams_->read(kRun, 0, 100'000, 1 << 30);
    EXPECT_TRUE(entries) << entries.error().message;
    return entries ? *entries : std::vector<StreamEntry>{};
  }

  std::string folder_;
  std::unique_ptr<RunStreams> streams_;
  std::int64_t seq_ = 0;
};

TEST_F(RunStreamTest, gives_back_what_was_appended_even_after_closing) {
  const auto appended =
      append({fact(EntryKind::attempt_started, "pay \xF0\x9F\x98\x80", 2, "{\"a\":1}"),
              output("pay", 2, 1, 2, "one\ntwo\n")});
  ASSERT_TRUE(appended) << appended.error().message;
  EXPECT_EQ(appended->first_ordinal, 1);
  EXPECT_EQ(appended->last_ordinal, 2);
  for (int round = 0; round < 2; ++round, reopen()) {
    const auto entries = all();
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(entries[0].ordinal, 1);
    EXPECT_EQ(entries[0].kind, EntryKind::attempt_started);
    EXPECT_EQ(entries[0].test, "pay \xF0\x9F\x98\x80");
    EXPECT_EQ(entries[0].attempt, 2);
    EXPECT_EQ(entries[0].payload, "{\"a\":1}");
    EXPECT_EQ(entries[1].seq, 2);
    EXPECT_EQ(entries[1].lines, 2);
    EXPECT_EQ(raw_output(entries[1]).value(), "one\ntwo\n");
    EXPECT_EQ(streams_->state(kRun)->seq, 2);
  }
}

TEST_F(RunStreamTest, repeating_a_batch_changes_nothing) {
  const std::vector<StreamEntry> batch{fact(EntryKind::plan, "", 0), output("a", 1, 1, 1, "x\n")};
  ASSERT_TRUE(append(batch));
  const auto again = append(batch);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->first_ordinal, 0);
  EXPECT_EQ(again->last_ordinal, 2);
  auto longer = batch;
  longer.push_back(fact(EntryKind::finished, "", 0));
  EXPECT_EQ(append(longer)->first_ordinal, 3);
  EXPECT_EQ(all().size(), 3u);
}

TEST_F(RunStreamTest, a_newer_runner_continues_and_an_older_one_is_refused) {
  ASSERT_TRUE(append({fact(EntryKind::plan, "", 0), fact(EntryKind::setup, "", 0)}));
  StreamEntry newer = fact(EntryKind::plan, "", 0);
  newer.epoch = 2;
  newer.seq = 1;
  ASSERT_TRUE(append({newer}));
  EXPECT_EQ(streams_->state(kRun)->epoch, 2);
  EXPECT_EQ(streams_->state(kRun)->seq, 1);
  EXPECT_EQ(append({fact(EntryKind::finished, "", 0)}).error().code, Code::conflict);
  EXPECT_EQ(all().size(), 3u);
}

TEST_F(RunStreamTest, refuses_what_is_out_of_order_or_beyond_a_limit) {
  std::vector<StreamEntry> swapped{fact(EntryKind::plan, "", 0), fact(EntryKind::setup, "", 0)};
  std::swap(swapped[0], swapped[1]);
  EXPECT_EQ(append(swapped).error().code, Code::invalid);
  EXPECT_EQ(append({fact(EntryKind::plan, std::string(5'000, 'n'), 0)}).error().code,
            Code::invalid);
  StreamEntry liar = output("a", 1, 1, 1, "x\n");
  liar.raw_size = 1 << 20;
  EXPECT_EQ(append({liar}).error().code, Code::invalid);
  StreamEntry garbage = output("a", 1, 1, 1, "x\n");
  garbage.payload = "not zstd";
  EXPECT_EQ(append({garbage}).error().code, Code::invalid);
  EXPECT_TRUE(all().empty());
}

TEST_F(RunStreamTest, a_torn_record_is_cut_at_every_byte_and_can_be_appended_again) {
  ASSERT_TRUE(append({fact(EntryKind::plan, "", 0), output("a", 1, 1, 1, "first\n")}));
  const std::string before = read_file(path(".stream")).value();
  const std::string index_before = read_file(path(".index")).value();
  const StreamEntry last = output("a", 1, 2, 1, "second\n");
  ASSERT_TRUE(append({last}));
  const std::string whole = read_file(path(".stream")).value();
  const std::string index_whole = read_file(path(".index")).value();
  for (std::size_t size = before.size(); size < whole.size(); ++size)
    for (const std::string& index : {index_before, index_whole, std::string()}) {
      streams_.reset();
      ASSERT_TRUE(replace_file(path(".stream"), whole.substr(0, size)));
      ASSERT_TRUE(replace_file(path(".index"), index));
      reopen();
      ASSERT_EQ(streams_->state(kRun)->ordinal, 2) << "cut to " << size;
      ASSERT_EQ(all().size(), 2u);
      ASSERT_EQ(append({last})->first_ordinal, 3);
      ASSERT_EQ(read_file(path(".stream")).value(), whole);
      ASSERT_EQ(read_file(path(".index")).value(), index_whole);
    }
}

TEST_F(RunStreamTest, a_flipped_byte_of_the_last_record_is_noticed) {
  ASSERT_TRUE(append({output("a", 1, 1, 1, "first\n")}));
  const std::size_t first = read_file(path(".stream"))->size();
  ASSERT_TRUE(append({output("a", 1, 2, 1, "second\n")}));
  const std::string whole = read_file(path(".stream")).value();
  for (std::size_t at = first; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    streams_.reset();
    ASSERT_TRUE(replace_file(path(".stream"), flipped));
    ::unlink(path(".index").c_str());
    reopen();
    ASSERT_EQ(streams_->state(kRun)->ordinal, 1) << "byte " << at;
  }
}

TEST_F(RunStreamTest, any_index_leads_to_the_same_stream) {
  for (int i = 1; i <= 20; ++i) ASSERT_TRUE(append({output("a", 1, i, 1, "line\n")}));
  const std::string stream = read_file(path(".stream")).value();
  const std::string index = read_file(path(".index")).value();
  std::mt19937 random(3);
  for (int i = 0; i < 200; ++i) {
    std::string damaged = index.substr(0, random() % (index.size() + 1));
    if (!damaged.empty() && i % 2 == 0) damaged[random() % damaged.size()] ^= 1;
    streams_.reset();
    ASSERT_TRUE(replace_file(path(".index"), damaged));
    reopen();
    ASSERT_EQ(all().size(), 20u);
    ASSERT_EQ(read_file(path(".stream")).value(), stream);
    ASSERT_EQ(read_file(path(".index")).value(), index);
  }
}

TEST_F(RunStreamTest, reads_a_log_by_bytes) {
  ASSERT_TRUE(append({output("a", 1, 1, 2, "a1\na2\n"), output("b", 1, 1, 1, "b1\n", Codec::raw),
                      output("a", 1, 3, 1, "a3"), output("a", 2, 1, 1, "again\n"),
                      output("a", 1, 4, 1, "\na4\n"), output("", 0, 1, 1, "suite\n")}));
  const LogSelection a{"a", 1}, whole{.whole_run = true};
  const std::string text = "a1\na2\na3\na4\n";
  EXPECT_EQ(streams_->log_size(kRun, a)->bytes, static_cast<std::int64_t>(text.size()));
  EXPECT_EQ(streams_->log_size(kRun, a)->lines, 4);
  for (std::int64_t from = 0; from <= 13; ++from)
    for (std::int64_t size = 0; size <= 14; ++size)
      EXPECT_EQ(streams_->log_bytes(kRun, a, from, size).value(),
                from < 12 ? text.substr(static_cast<std::size_t>(from),
                                        static_cast<std::size_t>(size))
                          : "");
  EXPECT_EQ(streams_->log_bytes(kRun, {"", 0}, 0, 100).value(), "suite\n");
  EXPECT_EQ(streams_->log_bytes(kRun, whole, 0, 100).value(),
            "a1\na2\nb1\na3again\n\na4\nsuite\n");
  EXPECT_EQ(streams_->log_bytes(kRun, {"c", 1}, 0, 100).value(), "");
}

TEST_F(RunStreamTest, reads_a_log_by_lines) {
  // Pieces that end within a line, and lines of no bytes.
  ASSERT_TRUE(append({output("a", 1, 1, 3, "one\n\nthr"), output("a", 1, 4, 0, "ee"),
                      output("a", 1, 4, 1, " tail\nfour\n"), output("a", 1, 5, 1, "fi"),
                      output("a", 1, 6, 0, "ve\n"), output("a", 1, 6, 2, "six\nseven")}));
  const LogSelection a{"a", 1};
  const std::vector<std::string> lines{"one\n", "\n", "three tail\n", "four\n", "five\n", "six\n",
                                       "seven"};
  EXPECT_EQ(streams_->log_size(kRun, a)->lines, 7);
  for (std::size_t from = 1; from <= lines.size(); ++from)
    for (std::size_t count = 1; count <= lines.size() + 1; ++count) {
      std::string expected;
      for (std::size_t i = from - 1; i < std::min(from - 1 + count, lines.size()); ++i)
        expected += lines[i];
      const auto found = streams_->log_lines(kRun, a, static_cast<std::int64_t>(from),
                                             static_cast<std::int64_t>(count));
      ASSERT_TRUE(found);
      EXPECT_EQ(found->text, expected) << from << " + " << count;
      EXPECT_EQ(found->first_line, static_cast<std::int64_t>(from));
      EXPECT_EQ(found->next_line,
                static_cast<std::int64_t>(std::min(from + count, lines.size() + 1)));
    }
  EXPECT_EQ(streams_->log_lines(kRun, a, 8, 5)->text, "");
  EXPECT_EQ(streams_->log_lines(kRun, a, 2, 1LL << 62)->first_line, 2);
}

TEST_F(RunStreamTest, the_lines_of_a_new_runner_go_on_behind_those_of_the_old) {
  ASSERT_TRUE(append({output("", 0, 1, 2, "one\ntwo\n")}));
  StreamEntry resumed = output("", 0, 1, 1, "three\n");
  resumed.epoch = 2;
  resumed.seq = 1;
  ASSERT_TRUE(append({resumed}));
  EXPECT_EQ(streams_->log_lines(kRun, {"", 0}, 3, 1)->text, "three\n");
}

TEST_F(RunStreamTest, an_answer_is_limited_to_whole_lines) {
  const std::string line = std::string(1'000'000, 'x') + "\n";
  std::vector<StreamEntry> entries;
  for (int i = 1; i <= 6; ++i) entries.push_back(output("a", 1, i, 1, line));
  ASSERT_TRUE(append(entries));
  const auto found = streams_->log_lines(kRun, {"a", 1}, 1, 100);
  EXPECT_EQ(found->text.size(), 4 * line.size());
  EXPECT_EQ(found->next_line, 5);
  EXPECT_EQ(streams_->log_lines(kRun, {"a", 1}, 5, 100)->text.size(), 2 * line.size());
}

TEST_F(RunStreamTest, every_byte_survives) {
  std::string every;
  for (int i = 0; i < 256; ++i) every += static_cast<char>(i);
  ASSERT_TRUE(append({output("a", 1, 1, 2, every), output("a", 1, 3, 2, every, Codec::raw)}));
  EXPECT_EQ(streams_->log_bytes(kRun, {"a", 1}, 0, 1'000).value(), every + every);
}

TEST_F(RunStreamTest, removing_a_run_leaves_nothing_and_a_new_one_begins_empty) {
  ASSERT_TRUE(append({output("a", 1, 1, 1, "x\n")}));
  ASSERT_TRUE(streams_->remove(kRun));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/1"));
  EXPECT_TRUE(all().empty());
  EXPECT_EQ(streams_->state(kRun)->ordinal, 0);
  ASSERT_TRUE(streams_->remove(kRun));
  ASSERT_TRUE(append({output("a", 1, 1, 1, "y\n")}));
  EXPECT_EQ(all().size(), 1u);
}

TEST_F(RunStreamTest, reading_an_unknown_run_makes_no_file) {
  EXPECT_EQ(streams_->log_size(RunId{5}, {"a", 1})->bytes, 0);
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(RunStreamTest, does_not_follow_links) {
  ASSERT_TRUE(append({output("a", 1, 1, 1, "x\n")}));
  streams_.reset();
  std::filesystem::rename(path(".stream"), folder_ + "/elsewhere");
  std::filesystem::create_symlink(folder_ + "/elsewhere", path(".stream"));
  reopen();
  EXPECT_EQ(streams_->state(kRun).error().code, Code::unavailable);
}

TEST_F(RunStreamTest, keeps_few_streams_open) {
  for (std::int64_t run = 1; run <= 300; ++run) {
    std::vector<StreamEntry> batch{output("a", 1, 1, 1, "x\n")};
    ASSERT_TRUE(streams_->append(RunId{run}, batch));
  }
  std::size_t open = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    open += std::filesystem::read_symlink(entry.path(), gone).string().starts_with(folder_);
  }
  EXPECT_LE(open, 2 * kOpenStreamsMax);
  EXPECT_EQ(streams_->log_bytes(RunId{1}, {"a", 1}, 0, 9).value(), "x\n");
}

TEST_F(RunStreamTest, a_limit_of_the_file_system_keeps_nothing_of_the_batch) {
  ASSERT_TRUE(append({output("a", 1, 1, 1, "kept\n")}));
  const auto size = std::filesystem::file_size(path(".stream"));
  rlimit limit{}, small{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  small = limit;
  small.rlim_cur = size + 5'000;
  ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string noise;
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) noise += static_cast<char>(random());
  const auto refused = append({output("a", 1, 2, 1, "small\n"), output("a", 1, 3, 1, noise)});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
  EXPECT_EQ(std::filesystem::file_size(path(".stream")), size);
  EXPECT_EQ(all().size(), 1u);
  seq_ = 1;
  EXPECT_TRUE(append({output("a", 1, 2, 1, "small\n")}));
}

TEST_F(RunStreamTest, readers_see_only_whole_batches_while_others_append_and_remove) {
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int reader = 0; reader < 2; ++reader)
    threads.emplace_back([&] {
      while (!stop) {
        const auto entries = streams_->read(kRun, 0, 1'000, 1 << 20);
        ASSERT_TRUE(entries) << entries.error().message;
        EXPECT_EQ(entries->size() % 2, 0u);
        EXPECT_TRUE(streams_->log_lines(kRun, {"a", 1}, 1, 10));
        EXPECT_TRUE(streams_->state(RunId{2}));
      }
    });
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(append({output("a", 1, 1, 1, "x\n"), output("a", 1, 2, 1, "y\n")}));
    if (i % 25 == 24) {
      ASSERT_TRUE(streams_->remove(kRun));
    }
  }
  stop = true;
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace baton::store
