// SPDX-License-Identifier: MIT
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

#include <iostream>
#include <vector>

#include "wish.h"

TEST_CASE("a basket starts empty", "[basket]") { REQUIRE(std::vector<int>{}.empty()); }

TEST_CASE("a basket adds up", "[basket]") {
  std::vector<int> prices{3};
  SECTION("with one more") {
    prices.push_back(4);
    std::cout << "two teas\n";
    CHECK(prices[0] + prices[1] == (fails() ? 8 : 7));
  }
  SECTION("alone") { CHECK(prices[0] == 3); }
}

TEST_CASE("a basket keeps its connection", "[basket][network]") { REQUIRE_FALSE(fails_at_first()); }

TEST_CASE("a basket knows vouchers", "[basket][!mayfail]") { CHECK(false); }
