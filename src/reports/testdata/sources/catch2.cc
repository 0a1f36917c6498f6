// SPDX-License-Identifier: MIT
// What the captured Catch2 reports beside this folder were made from (capture.sh).
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

#include <iostream>

TEST_CASE("adds", "[math]") { REQUIRE(2 + 2 == 4); }
TEST_CASE("has sections", "[math]") {
  SECTION("first") { REQUIRE(true); }
  SECTION("second") { CHECK(1 == 2); }
}
TEST_CASE("may fail", "[!mayfail]") { CHECK(false); }
TEST_CASE("throws", "[math]") {
  std::cout << "before the throw\n";
  throw std::runtime_error("out of <cheese>");
}
TEST_CASE("asserts nothing") {}
TEST_CASE("name, with comma [and] / slash") { REQUIRE(true); }
TEST_CASE("hidden one", "[.]") { REQUIRE(true); }
struct Fixture {
  int value = 7;
};
TEST_CASE_METHOD(Fixture, "uses a fixture") { REQUIRE(value == 7); }
