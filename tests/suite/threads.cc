// SPDX-License-Identifier: MIT
// A program whose static initialisers start a thread, as client libraries do. Run by
// test_suites.py.
#include <baton/baton.h>

#include <chrono>
#include <thread>

namespace {

// Leaked: it outlives every test.
[[maybe_unused]] auto* const background = new std::thread([] {
  for (;;) std::this_thread::sleep_for(std::chrono::milliseconds(1));
});

}  // namespace

BATON_SUITE(with_a_thread);
BATON_TEST(with_a_thread, ends) { BATON_CHECK(t.attempt() == 1); }
BATON_TEST(with_a_thread, waits) {
  t.log("waiting");
  t.poll(std::chrono::hours(1), [] { return false; });
}

int main(int argc, char** argv) { return baton::main(argc, argv); }
