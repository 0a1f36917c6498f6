// SPDX-License-Identifier: MIT
#include "base/pid_file.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

namespace baton {
namespace {

struct PidFile : testing::Test {
  PidFile() {
    std::string made = (std::filesystem::temp_directory_path() / "baton-pid-XXXXXX").string();
    folder = ::mkdtemp(made.data());
    path = folder + "/1.pid";
  }
  ~PidFile() override { std::filesystem::remove_all(folder); }
  std::string folder, path;
};

TEST_F(PidFile, names_the_process_that_made_it) {
  EXPECT_FALSE(find_by_pid_file(path));
  ASSERT_TRUE(make_pid_file(path));
  const auto found = find_by_pid_file(path);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pid, ::getpid());
  pollfd ended{found->pidfd.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 0), 0);
}

TEST_F(PidFile, is_had_by_one_process_only) {
  ASSERT_TRUE(make_pid_file(path));
  const std::string before = read_file(path).value();
  EXPECT_EQ(make_pid_file(path).error().code, Code::conflict);
  EXPECT_EQ(read_file(path).value(), before);
  const auto files = std::filesystem::directory_iterator(folder);
  EXPECT_EQ(std::distance(begin(files), end(files)), 1) << "nothing is left beside it";
}

TEST_F(PidFile, of_a_process_that_has_ended_names_none) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(make_pid_file(path) ? 0 : 1);
  int status = -1;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  EXPECT_FALSE(find_by_pid_file(path));
  ASSERT_TRUE(replace_file(path, fmt::format("{} 1\n", ::getpid())));
  EXPECT_FALSE(find_by_pid_file(path)) << "the number came again";
}

}  // namespace
}  // namespace baton
