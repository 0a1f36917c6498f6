// SPDX-License-Identifier: MIT
// What the captured doctest reports beside this folder were made from (capture.sh).
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <iostream>
#include <stdexcept>

TEST_CASE("adds") { CHECK(2 + 2 == 4); }
TEST_SUITE("deep") {
  TEST_CASE("has subcases") {
    SUBCASE("first") { CHECK(true); }
    SUBCASE("second") { CHECK_MESSAGE(1 == 2, "one <is> not two"); }
  }
}
TEST_CASE("is skipped" * doctest::skip()) { CHECK(false); }
TEST_CASE("may fail" * doctest::may_fail()) { CHECK(false); }
TEST_CASE("throws") {
  std::cout << "before the throw\n";
  throw std::runtime_error("out of cheese");
}
TEST_CASE("name, with comma") { CHECK(true); }
