// SPDX-License-Identifier: MIT
// The test program is also the programs that it runs: a Baton suite (`list`, `exec`) and, by its
// ordinary options, a GoogleTest binary. The cases named sample_ behave badly only inside a run.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <thread>

#include <baton/baton.h>

#include "runner/main.h"

BATON_SUITE(sample, {.namespace_ = "runner"});
BATON_SETUP(sample) {
  t.log("set up");
  if (::getenv("BATON_PARAM_BREAK_SETUP") != nullptr) ::raise(SIGABRT);
  if (::getenv("BATON_PARAM_START_THREAD") != nullptr) {
    [[maybe_unused]] static auto* const thread = new std::thread([] {
      for (;;) ::poll(nullptr, 0, 1);
    });
  }
  if (::getenv("BATON_PARAM_SLOW_SETUP") != nullptr) ::poll(nullptr, 0, 500);
}
BATON_TEARDOWN(sample) {
  t.log("torn down");
  BATON_CHECK(::getenv("BATON_PARAM_BREAK_TEARDOWN") == nullptr);
}
BATON_TEST(sample, passes) {
  t.log("hello from attempt {}", t.attempt());
  t.set_value("order", "42");
}
BATON_TEST(sample, fails) { BATON_CHECK(1 + 1 == 3); }
BATON_TEST(sample, fails_once) { BATON_CHECK(t.attempt() > 1); }
BATON_TEST(sample, crashes) { ::raise(SIGABRT); }
BATON_TEST(sample, exits) { ::_exit(3); }
BATON_TEST(sample, hangs) {
  ::signal(SIGTERM, SIG_IGN);
  for (;;) ::pause();
}
BATON_TEST(sample, leaves_a_daemon) {
  if (::fork() == 0) {
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    ::setsid();
    for (int fd = 0; fd < 256; ++fd) ::close(fd);
    for (;;) ::pause();
  }
}
BATON_TEST(sample, closes_descriptors) {
  for (int fd = 0; fd < 256; ++fd) ::close(fd);
}
BATON_TEST(sample, kills_its_parent) { ::kill(::getppid(), SIGKILL); }
BATON_TEST(sample, is_quick) {}
BATON_TEST(sample, checks_in_a_child) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    BATON_CHECK(1 + 1 == 3);
    ::_exit(0);
  }
  ::waitpid(pid, nullptr, 0);
}
BATON_TEST(sample, records_too_much) {
  const std::string value(70'000, '\x01');
  for (int i = 0; i < 40; ++i) {
    t.set_value("value " + std::to_string(i), value);
    auto span = t.span("span", {{"context", value}});
  }
}

namespace {

bool in_a_run() { return ::getenv("BATON_RUN") != nullptr; }

TEST(Sample, passes) {}
TEST(Sample, fails) {
  if (in_a_run()) FAIL() << "as it should";
}
TEST(Sample, fails_once) {
  const char* attempt = ::getenv("BATON_ATTEMPT");
  if (in_a_run() && std::string_view(attempt == nullptr ? "" : attempt) == "1") FAIL() << "once";
}
TEST(Sample, crashes) {
  if (in_a_run()) ::raise(SIGKILL);
}
TEST(Sample, DISABLED_waits) {}
TEST(Sample, skips) {
  if (in_a_run()) GTEST_SKIP() << "not today";
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "list" || (verb == "exec" && argc > 2 && std::string_view(argv[2]) == "--suite")) {
    return baton::main(argc, argv);
  }
  if (verb == "exec") return baton::runner::runner_main(argc - 1, argv + 1);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
