// SPDX-License-Identifier: MIT
#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/ids.h"
#include "base/output_file.h"

namespace baton {
namespace {

TEST(File, replace_then_read_and_limits) {
  const std::string folder = ::testing::TempDir() + "baton_file_" + random_hex(4) + "/a/b";
  ASSERT_TRUE(make_directories(folder));
  const std::string path = folder + "/x";
  ASSERT_TRUE(replace_file(path, "one", 0600));
  ASSERT_TRUE(replace_file(path, "two", 0600));
  EXPECT_EQ(*read_file(path), "two");
  EXPECT_EQ(read_file(path, 2).error().code, Code::too_large);
  EXPECT_EQ(read_file(folder + "/none").error().code, Code::not_found);
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  std::filesystem::remove_all(folder);
}

TEST(File, an_output_file_replaces_files_only) {
  const std::string folder = ::testing::TempDir() + "baton_file_" + random_hex(4);
  ASSERT_TRUE(make_directories(folder));
  ASSERT_TRUE(write_output_file(folder + "/x", "first"));
  ASSERT_EQ(::symlink("x", (folder + "/link").c_str()), 0);
  ASSERT_TRUE(write_output_file(folder + "/link", "new"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder + "/link"));
  EXPECT_EQ(*read_file(folder + "/x"), "new");
  // A node of our own: what this test is for must not befall the machine's.
  ASSERT_EQ(::mkfifo((folder + "/pipe").c_str(), 0600), 0);
  const Fd reader{::open((folder + "/pipe").c_str(), O_RDONLY | O_NONBLOCK)};
  ASSERT_TRUE(write_output_file(folder + "/pipe", "xyz"));
  char got[8];
  EXPECT_EQ(::read(reader.get(), got, sizeof got), 3);
  EXPECT_TRUE(std::filesystem::is_fifo(folder + "/pipe"));
  std::filesystem::remove_all(folder);
}

TEST(Ids, seeded_generators_repeat_and_ids_carry_their_prefix) {
  Ids a{7}, b{7};
  const std::string id = a.make("lse_");
  EXPECT_EQ(id, b.make("lse_"));
  EXPECT_EQ(id.size(), 24U);
  EXPECT_NE(a.make("lse_"), id);
  EXPECT_EQ(random_hex(32).size(), 64U);
}

}  // namespace
}  // namespace baton
