// SPDX-License-Identifier: MIT
// A suite compiled without run-time type information.
#include <baton/baton.h>

BATON_SUITE(no_rtti);
BATON_TEST(no_rtti, fails) { BATON_REQUIRE(t.attempt() > 1); }
BATON_TEST(no_rtti, throws) { throw 1; }

int main(int argc, char** argv) { return baton::main(argc, argv); }
