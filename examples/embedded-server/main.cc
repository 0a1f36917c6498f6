// SPDX-License-Identifier: MIT
// A program that serves its own suite and tells what happened: hooks see every stored result.
#include <baton/baton.h>
#include <baton/server.h>

#include <cstdio>

BATON_SUITE(greeting, {.namespace_ = "embedded", .max_attempts = 2});

BATON_TEST(greeting, says_hello) {
  t.log("hello from run attempt {}", t.attempt());
  BATON_CHECK(1 + 1 == 2);
}

BATON_TEST(greeting, needs_a_second_try) { BATON_REQUIRE(t.attempt() > 1); }

int main(int argc, char** argv) {
  // As a runner or for `run` and `list`, the program behaves like any suite.
  if (argc > 1 && std::string_view{argv[1]} != "serve") return baton::main(argc, argv);
  baton::Server server;
  server.on_test_finished([](const baton::TestFinished& test, baton::HookContext context) {
    std::printf("%s: %s, attempt %d: %s\n", test.suite.c_str(), test.test.c_str(), test.attempt,
                test.outcome.c_str());
    std::fflush(stdout);
    context.add("seen_by", "embedded-server");
  });
  server.on_suite_finished([](const baton::SuiteFinished& suite) {
    std::printf("%s: run %lld %s%s\n", suite.suite.c_str(), static_cast<long long>(suite.run),
                suite.verdict.c_str(), suite.flaky ? " (flaky)" : "");
    std::fflush(stdout);
  });
  return server.run(argc, argv);
}
