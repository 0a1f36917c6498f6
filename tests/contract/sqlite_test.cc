// SPDX-License-Identifier: MIT
// What only a file can do to us: damage, a foreign file, a full disk, a killed process.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <random>

#include "base/file.h"
#include "engine/feed.h"
#include "engine/writer.h"

namespace baton::contract {
namespace {

using engine::Context;
using engine::Writer;
using store::Store;

class Sqlite : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "baton-sqlite-XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    file_ = folder_ + "/baton.db";
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  static engine::Operation<Seq> append(std::string data = "{}") {
    return [data = std::move(data)](Context& context) {
      return context.tx.append("test.done", "test:1", data);
    };
  }
  static Result<void> no_deadline(Context&, const store::Deadline&) { return {}; }
  /// Makes a database with `count` events and closes it.
  void make(int count) {
    auto store = Store::open({.data = folder_}).value();
    engine::Feed feed;
    Writer writer(*store, feed, [] { return Now{}; }, Ids(1), no_deadline);
    for (int i = 0; i < count; ++i) ASSERT_TRUE(writer.run(append(std::string(500, 'x'))));
  }
  std::string bytes() { return read_file(file_).value(); }
  void write(const std::string& content) { ASSERT_TRUE(replace_file(file_, content)); }
  void expect_refused(std::string_view why, Code code = Code::unavailable) {
    const std::string before = bytes();
    const auto refused = Store::open({.data = folder_});
    ASSERT_FALSE(refused) << "expected: " << why;
    EXPECT_EQ(refused.error().code, code);
    EXPECT_NE(refused.error().message.find(why), std::string::npos) << refused.error().message;
    EXPECT_FALSE(refused.error().fix.empty());
    EXPECT_EQ(bytes(), before) << "every byte is unchanged";
    EXPECT_FALSE(std::filesystem::exists(file_ + "-shm"));
  }

  std::string folder_, file_;
};

TEST_F(Sqlite, garbage_is_refused) {
  write(std::string(10'000, 'g'));
  expect_refused("not an SQLite database");
}

TEST_F(Sqlite, a_cut_header_is_refused) {
  make(1);
  write(bytes().substr(0, 60));
  expect_refused("header is cut off");
}

TEST_F(Sqlite, a_cut_file_is_refused) {
  make(100);
  const std::string whole = bytes();
  for (const std::size_t size : {std::size_t{4096}, whole.size() / 2, whole.size() - 1}) {
    write(whole.substr(0, size));
    expect_refused("cut off");
  }
}

TEST_F(Sqlite, damaged_pages_are_refused) {
  make(100);
  std::string content = bytes();
  std::fill(content.begin() + 100, content.begin() + 4096, '\xEE');
  write(content);
  expect_refused("damaged");
}

TEST_F(Sqlite, a_database_without_its_schema_version_is_not_taken_for_a_new_one) {
  make(10);
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((folder_ + "/baton.db").c_str(), &db), SQLITE_OK);
  sqlite3_exec(db, "DELETE FROM meta; PRAGMA wal_checkpoint(TRUNCATE)", nullptr, nullptr, nullptr);
  sqlite3_close(db);
  expect_refused("schema version is missing");
}

TEST_F(Sqlite, random_damage_never_crashes_and_never_writes_before_it_is_accepted) {
  make(60);
  const std::string whole = bytes();
  std::mt19937 random(7);
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    std::string content = whole;
    for (int n = 0; n < 64; ++n) content[random() % content.size()] = static_cast<char>(random());
    write(content);
    const auto opened = Store::open({.data = folder_});
    if (opened) continue;
    ++refused;
    EXPECT_EQ(bytes(), content);
  }
  EXPECT_GT(refused, 30);
}

TEST_F(Sqlite, a_foreign_database_is_refused) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(file_.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "CREATE TABLE mine (a)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  expect_refused("not a database of Baton");
}

TEST_F(Sqlite, a_wal_without_its_database_is_refused_and_kept) {
  ASSERT_TRUE(replace_file(file_ + "-wal", std::string(5'000, 'w')));
  for (const bool empty_file : {false, true}) {
    if (empty_file) write("");
    const auto refused = Store::open({.data = folder_});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("WAL"), std::string::npos) << refused.error().message;
    EXPECT_EQ(std::filesystem::file_size(file_ + "-wal"), 5'000u);
  }
}

TEST_F(Sqlite, an_empty_or_missing_database_of_a_used_folder_is_refused) {
  const std::string later = folder_ + "/admin-token";
  const auto open = [&] { return Store::open({.data = folder_, .made_later = {later}}); };
  write("");
  EXPECT_TRUE(open()) << "a first start that was killed leaves an empty file";
  ASSERT_TRUE(replace_file(later, "secret"));
  EXPECT_TRUE(open());
  write("");
  for (const std::string_view why : {"is empty", "is missing"}) {
    const auto refused = open();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::unavailable);
    EXPECT_NE(refused.error().message.find(why), std::string::npos) << refused.error().message;
    EXPECT_NE(refused.error().fix.find("backup"), std::string::npos);
    EXPECT_EQ(std::filesystem::exists(file_), why == "is empty") << "nothing was made";
    std::filesystem::remove(file_);
  }
}

TEST_F(Sqlite, a_newer_file_keeps_its_bytes) {
  make(3);
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(file_.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "UPDATE meta SET value = '999999'", nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(db);
  expect_refused("newer Baton", Code::conflict);
}

TEST_F(Sqlite, the_wal_stays_short_and_is_emptied_when_idle) {
  auto store = Store::open({.data = folder_}).value();
  engine::Feed feed;
  Writer writer(*store, feed, [] { return Now{}; }, Ids(1), no_deadline);
  std::uintmax_t longest = 0;
  for (int i = 0; i < 400; ++i) {
    ASSERT_TRUE(writer.run(append(std::string(60'000, 'x'))));
    longest = std::max(longest, std::filesystem::file_size(file_ + "-wal"));
  }
  EXPECT_LT(longest, 8u << 20) << "24 MB were written";
  store->idle();
  EXPECT_EQ(std::filesystem::file_size(file_ + "-wal"), 0u);
}

TEST_F(Sqlite, a_killed_process_loses_nothing_that_was_answered) {
  for (int round = 0; round < 5; ++round) {
    int answers[2];
    ASSERT_EQ(::pipe(answers), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto store = Store::open({.data = folder_});
      if (!store) ::_exit(3);
      engine::Feed feed;
      Writer writer(**store, feed, [] { return Now{}; }, Ids(1), no_deadline);
      for (;;) {
        const auto seq = writer.run(append());
        if (!seq || ::write(answers[1], &*seq, sizeof(Seq)) != sizeof(Seq)) ::_exit(4);
      }
    }
    ::close(answers[1]);
    Seq last = 0, seq = 0;
    for (int i = 0; i < 50 + round * 37; ++i)
      if (::read(answers[0], &seq, sizeof seq) == sizeof seq) last = seq;
    ::kill(child, SIGKILL);
    while (::read(answers[0], &seq, sizeof seq) == sizeof seq) last = seq;
    ::close(answers[0]);
    ::waitpid(child, nullptr, 0);
    auto store = Store::open({.data = folder_});
    ASSERT_TRUE(store) << store.error().message;
    auto snapshot = (*store)->snapshot();
    EXPECT_GE(store::last_journal_seq(snapshot->sql()).value(), last);
    EXPECT_LE(store::last_journal_seq(snapshot->sql()).value(), last + 1);
  }
}

/// A small file system of the test's own; needs the right to mount.
class FullDisk : public Sqlite {
 protected:
  void SetUp() override {
    Sqlite::SetUp();
    mounted_ = ::mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=4m") == 0;
    if (!mounted_) GTEST_SKIP() << "mounting a tmpfs is not allowed here";
  }
  void TearDown() override {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
    Sqlite::TearDown();
  }
  bool mounted_ = false;
};

TEST_F(FullDisk, is_unavailable_and_recovers_by_itself) {
  auto store = Store::open({.data = folder_}).value();
  engine::Feed feed;
  Writer writer(*store, feed, [] { return Now{}; }, Ids(1), no_deadline);
  const std::string ballast = folder_ + "/ballast";
  ASSERT_TRUE(replace_file(ballast, std::string(2 << 20, 'b')));
  Seq last = 0;
  Result<Seq> answer = 0;
  for (int i = 0; i < 200 && answer; ++i) {
    answer = writer.run(append(std::string(60'000, 'x')));
    if (answer) last = *answer;
  }
  ASSERT_FALSE(answer) << "the disk is full";
  EXPECT_EQ(answer.error().code, Code::unavailable);
  EXPECT_FALSE(writer.run(append(std::string(60'000, 'x'))));
  {
    auto snapshot = store->snapshot();
    ASSERT_TRUE(snapshot) << "reading goes on";
    EXPECT_EQ(store::last_journal_seq(snapshot->sql()).value(), last);
  }
  ASSERT_EQ(::unlink(ballast.c_str()), 0);
  const auto again = writer.run(append(std::string(60'000, 'x')));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_GT(*again, last);
  writer.stop();
  store.reset();
  auto reopened = Store::open({.data = folder_});
  ASSERT_TRUE(reopened) << reopened.error().message;
  EXPECT_EQ(store::last_journal_seq((*reopened)->snapshot()->sql()).value(), *again);
}

}  // namespace
}  // namespace baton::contract
