// SPDX-License-Identifier: MIT
// The guard of `lock exec`, with real processes: nothing of the command outlives its time.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "base/file.h"
#include "cli/exec_guard.h"
#include "runner/proc.h"

namespace baton::cli {
namespace {

using client::BootClock;

constexpr std::chrono::seconds kPatience{30};
constexpr Duration kLong{60'000};

bool eventually(const std::function<bool()>& condition) {
  const auto end = BootClock::now() + kPatience;
  while (!condition()) {
    if (BootClock::now() > end) return false;
    ::poll(nullptr, 0, 5);
  }
  return true;
}

class Guarded : public ::testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/baton-guard-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    folder_ = path;
    auto started = ExecGuard::start(false);
    ASSERT_TRUE(started);
    guard_ = std::make_unique<ExecGuard>(*std::move(started));
  }
  void TearDown() override {
    guard_.reset();
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
    std::filesystem::remove_all(folder_);
  }

  void launch(const std::string& script, Duration until, Duration grace = Duration{200}) {
    GuardedCommand command;
    command.argv = {"sh", "-c", script};
    command.variables = {{"FOLDER", folder_}};
    const auto now = BootClock::now();
    command.times = {now + until - grace, now + until};
    command.grace = grace;
    guard_->launch(command);
  }
  GuardReport report() {
    for (;;) {
      pollfd fd{guard_->fd(), POLLIN, 0};
      if (::poll(&fd, 1, static_cast<int>(Duration(kPatience).count())) <= 0) {
        ADD_FAILURE() << "the guard reports nothing";
        return {};
      }
      if (const auto report = guard_->read()) return *report;
    }
  }
  // The number that the command wrote to a file; 0 before it has.
  pid_t pid_in(const std::string& name) const {
    const auto text = read_file(folder_ + "/" + name);
    return text && text->ends_with('\n') ? ::atoi(text->c_str()) : 0;
  }
  static bool alive(pid_t pid) {
    runner::ProcessInfo info;
    return runner::process_info(pid, info) && info.state != 'Z';
  }

  std::string folder_;
  std::unique_ptr<ExecGuard> guard_;
};

TEST_F(Guarded, hands_on_the_status_of_a_command_that_ends_by_itself) {
  launch("exit 7", kLong);
  const GuardReport ended = report();
  EXPECT_TRUE(ended.launched);
  EXPECT_FALSE(ended.ended);
  EXPECT_EQ(WEXITSTATUS(ended.status), 7);
}

TEST_F(Guarded, tells_that_a_command_does_not_exist) {
  GuardedCommand command;
  command.argv = {"/nonexistent/command"};
  command.times = {BootClock::now() + kLong, BootClock::now() + kLong};
  guard_->launch(command);
  const GuardReport ended = report();
  EXPECT_FALSE(ended.launched);
  EXPECT_EQ(ended.error, ENOENT);
}

TEST_F(Guarded, begins_nothing_when_the_time_is_over_already) {
  launch("echo 1 > $FOLDER/began", Duration{-1'000});
  EXPECT_TRUE(report().ended);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/began"));
}

TEST_F(Guarded, kills_what_has_left_the_session_and_the_parent_when_the_time_is_over) {
  launch(
      "trap '' TERM; setsid sh -c 'trap \"\" TERM; (echo $$ > $FOLDER/pid; while :; do sleep "
      "0.05; done) & exit' & while :; do sleep 0.05; done",
      Duration{800});
  const GuardReport ended = report();
  EXPECT_TRUE(ended.ended);
  EXPECT_TRUE(WIFSIGNALED(ended.status));
  EXPECT_FALSE(alive(pid_in("pid")));
}

TEST_F(Guarded, asks_before_it_kills) {
  launch("trap 'echo 1 > $FOLDER/asked; exit 0' TERM; while :; do sleep 0.05; done",
         Duration{5'000}, Duration{4'500});
  const GuardReport ended = report();
  EXPECT_TRUE(ended.ended);
  EXPECT_EQ(pid_in("asked"), 1);
}

TEST_F(Guarded, a_renewal_moves_the_end) {
  launch("sleep 1; exit 3", Duration{500}, Duration{50});
  const auto now = BootClock::now();
  guard_->set_times({now + kLong, now + kLong});
  const GuardReport ended = report();
  EXPECT_FALSE(ended.ended);
  EXPECT_EQ(WEXITSTATUS(ended.status), 3);
}

TEST_F(Guarded, hands_signals_on) {
  launch("trap 'exit 9' USR1; echo 1 > $FOLDER/ready; while :; do sleep 0.05; done", kLong);
  ASSERT_TRUE(eventually([&] { return pid_in("ready") == 1; }));
  guard_->forward(SIGUSR1);
  const GuardReport ended = report();
  EXPECT_FALSE(ended.ended);
}

TEST_F(Guarded, ends_what_the_command_left_behind_before_it_reports) {
  launch(
      "setsid sh -c 'trap \"\" TERM; echo $$ > $FOLDER/pid; while :; do sleep 0.05; done' & "
      "while ! [ -s $FOLDER/pid ]; do sleep 0.02; done; exit 4",
      kLong);
  const GuardReport ended = report();
  EXPECT_FALSE(ended.ended);
  EXPECT_EQ(WEXITSTATUS(ended.status), 4);
  EXPECT_GT(pid_in("pid"), 0);
  EXPECT_FALSE(alive(pid_in("pid")));
}

TEST_F(Guarded, leaves_nothing_behind_when_it_is_killed_itself) {
  launch(
      "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$ > $FOLDER/pid; while :; do sleep "
      "0.05; done' & while :; do sleep 0.05; done",
      kLong);
  ASSERT_TRUE(eventually([&] { return pid_in("pid") > 0; }));
  for (const pid_t guard : runner::children_of(::getpid())) ::kill(guard, SIGKILL);
  EXPECT_TRUE(report().lost);
  EXPECT_FALSE(alive(pid_in("pid")));
}

TEST_F(Guarded, ends_the_command_when_whoever_asked_for_it_is_gone) {
  launch("trap '' TERM; echo $$ > $FOLDER/pid; while :; do sleep 0.05; done", kLong);
  ASSERT_TRUE(eventually([&] { return pid_in("pid") > 0; }));
  const pid_t pid = pid_in("pid");
  guard_.reset();
  EXPECT_TRUE(eventually([&] { return !alive(pid); }));
}

}  // namespace
}  // namespace baton::cli
