// SPDX-License-Identifier: MIT
// A program with a static thread that nobody joins: its destructor ends the program by
// std::terminate() when all is said. Run by test_suites.py and by a server.
#include <baton/baton.h>

#include <chrono>
#include <thread>

namespace {

std::thread background([] {
  for (;;) std::this_thread::sleep_for(std::chrono::milliseconds(1));
});

}  // namespace

BATON_SUITE(with_a_joinable_thread);
BATON_TEST(with_a_joinable_thread, passes) { BATON_CHECK(background.joinable()); }
BATON_TEST(with_a_joinable_thread, fails) { BATON_CHECK(!background.joinable()); }

int main(int argc, char** argv) { return baton::main(argc, argv); }
