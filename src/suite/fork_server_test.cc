// SPDX-License-Identifier: MIT
// The protocol between a runner and a fork server, and process trees, with real processes.
#include "suite/fork_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "suite/channel.h"
#include "suite/json.h"
#include "suite/live_attempt.h"
#include "suite/process_tree.h"

namespace baton::suite {
namespace {

using ::testing::HasSubstr;

CaseSpec case_of(const char* name, detail::Body body) {
  CaseSpec test;
  test.name = name;
  test.file = __FILE__;
  test.body = body;
  return test;
}

SuiteSpec small_suite() {
  SuiteSpec suite;
  suite.namespace_ = "default";
  suite.name = "small";
  suite.setup = [](T& t) {
    t.log("setting up");
    t.set_value("from_setup", 1);
  };
  suite.teardown = [](T& t) { t.fail("teardown failed"); };
  suite.cases = {
      case_of("passes",
              [](T& t) {
                t.log("attempt {} in {}", t.attempt(), t.param("where"));
                t.set_value("seen", t.value("from_setup"));
              }),
      case_of("dies", [](T&) { ::raise(SIGKILL); }),
      case_of("hangs", [](T&) { ::pause(); }),
  };
  return suite;
}

// A runner's side of the channel, with the fork server in a child process.
class Runner {
 public:
  explicit Runner(const SuiteSpec& suite) {
    auto channel = make_channel();
    server_ = ::fork();
    if (server_ == 0) {
      channel->first.reset();
      ::_exit(run_fork_server(suite, channel->second.release()));
    }
    control_ = std::move(channel->first);
  }
  ~Runner() {
    control_.reset();
    if (server_ > 0) ::waitpid(server_, nullptr, 0);
  }
  Json receive() {
    const auto packet = receive_packet(control_.get());
    if (!packet || !*packet) return {};
    return *parse_json((*packet)->json);
  }
  LiveAttempt send(const std::string& json) {
    auto live = LiveAttempt::start(1);
    EXPECT_TRUE(
        send_packet(control_.get(), json, {live->out_write.get(), live->events_write.get()}));
    live->out_write.reset();
    live->events_write.reset();
    return std::move(*live);
  }
  int close() {
    control_.reset();
    int status = -1;
    ::waitpid(server_, &status, 0);
    server_ = 0;
    return status;
  }

 private:
  Fd control_;
  pid_t server_ = 0;
};

TEST(ForkServer, runs_setup_attempts_and_teardown) {
  const SuiteSpec suite = small_suite();
  Runner runner(suite);
  const Json hello = runner.receive();
  EXPECT_EQ(hello.text_of("op"), "hello");
  EXPECT_EQ(hello.number_of("protocol"), kProtocol);
  EXPECT_GE(hello.number_of("threads"), 1);

  LiveAttempt setup = runner.send(R"({"op":"setup"})");
  const Json setup_done = runner.receive();
  EXPECT_EQ(setup_done.text_of("op"), "setup_done");
  EXPECT_TRUE(setup_done.flag("ok"));
  EXPECT_EQ(setup.finish(0).output, "setting up\n");

  LiveAttempt passes = runner.send(
      R"({"op":"attempt","id":7,"test":"passes","attempt":2,)"
      R"("env":{"BATON_PARAM_WHERE":"x"}})");
  EXPECT_EQ(runner.receive().text_of("op"), "started");
  const Json exited = runner.receive();
  EXPECT_EQ(exited.text_of("op"), "exited");
  EXPECT_EQ(exited.number_of("id"), 7);
  const AttemptResult passed = passes.finish(static_cast<int>(exited.number_of("status")));
  EXPECT_EQ(passed.outcome, Verdict::passed);
  EXPECT_EQ(passed.output, "attempt 2 in x\n");
  ASSERT_EQ(passed.values.size(), 1u);
  EXPECT_EQ(passed.values[0].second, "1");

  LiveAttempt teardown = runner.send(R"({"op":"teardown"})");
  const Json teardown_done = runner.receive();
  EXPECT_EQ(teardown_done.text_of("op"), "teardown_done");
  EXPECT_FALSE(teardown_done.flag("ok"));
  EXPECT_THAT(teardown.finish(0).message, HasSubstr("teardown failed"));
  EXPECT_EQ(runner.close(), 0);
}

TEST(ForkServer, tells_how_an_attempt_died_and_refuses_unknown_tests) {
  const SuiteSpec suite = small_suite();
  Runner runner(suite);
  runner.receive();
  LiveAttempt dies = runner.send(R"({"op":"attempt","id":1,"test":"dies","attempt":1})");
  runner.receive();
  const int status = static_cast<int>(runner.receive().number_of("status"));
  const AttemptResult died = dies.finish(status);
  EXPECT_EQ(died.outcome, Verdict::errored);
  EXPECT_EQ(died.message, "killed by signal 9 (SIGKILL)");

  LiveAttempt unknown = runner.send(R"({"op":"attempt","id":2,"test":"none","attempt":1})");
  const Json exited = runner.receive();
  EXPECT_EQ(exited.text_of("op"), "exited");
  const AttemptResult refused = unknown.finish(static_cast<int>(exited.number_of("status")));
  EXPECT_EQ(refused.outcome, Verdict::errored);
  EXPECT_EQ(refused.message, "the suite has no such test");
}

TEST(ForkServer, kills_what_runs_when_the_channel_closes) {
  const SuiteSpec suite = small_suite();
  Runner runner(suite);
  runner.receive();
  LiveAttempt hangs = runner.send(R"({"op":"attempt","id":1,"test":"hangs","attempt":1})");
  const pid_t pid = static_cast<pid_t>(runner.receive().number_of("pid"));
  EXPECT_EQ(::kill(pid, 0), 0);
  EXPECT_EQ(runner.close(), 0);
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST(ProcessTree, finds_and_kills_everything_below) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t root = ::fork();
  if (root == 0) {
    for (int i = 0; i < 3; ++i) {
      if (::fork() != 0) continue;
      ::setsid();
      ::signal(SIGTERM, SIG_IGN);
      if (::fork() == 0) ::signal(SIGTERM, SIG_IGN);
      [[maybe_unused]] const auto told = ::write(ready[1], "x", 1);
      for (;;) ::pause();
    }
    for (;;) ::pause();
  }
  char byte = 0;
  for (int i = 0; i < 6; ++i) ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  const std::vector<pid_t> below = descendants_of(root);
  EXPECT_EQ(below.size(), 6u);
  kill_tree(root);
  ::waitpid(root, nullptr, 0);
  kill_strangers({});
  for (const pid_t pid : below) EXPECT_NE(::kill(pid, 0), 0) << pid;
  EXPECT_TRUE(children_of(::getpid()).empty());
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST(OutputKeeper, keeps_head_and_tail_of_an_endless_output) {
  OutputKeeper keeper;
  for (int i = 0; i < 100; ++i) keeper.add(std::string(100'000, 'a' + static_cast<char>(i % 26)));
  keeper.add("the end");
  const std::string text = keeper.text();
  EXPECT_LT(text.size(), 4 * OutputKeeper::kPart);
  EXPECT_TRUE(text.starts_with("aaa"));
  EXPECT_TRUE(text.ends_with("the end"));
  EXPECT_THAT(text, HasSubstr("bytes left out"));
}

}  // namespace
}  // namespace baton::suite
