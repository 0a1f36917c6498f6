// SPDX-License-Identifier: MIT
// Everything that registration refuses.
#include <baton/baton.h>

BATON_SUITE(twice, {.owner = "a"});
BATON_SUITE(twice, {.owner = "b"});
BATON_SUITE(empty);
BATON_SUITE(tests_twice, {.max_attempts = 0, .workers = 65});
BATON_SETUP(tests_twice) {}
BATON_SETUP(tests_twice) {}
BATON_TEST(tests_twice, same) {}
BATON_TEST(tests_twice, same) {}
BATON_TEST_P(tests_twice, parameters, {"a", "a"}) {}
BATON_TEST(twice, one) {}
BATON_TEST(missing, lost) {}

int main(int argc, char** argv) { return baton::main(argc, argv); }
