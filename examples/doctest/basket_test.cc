// SPDX-License-Identifier: MIT
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <iostream>
#include <vector>

#include "wish.h"

TEST_SUITE("basket") {
  TEST_CASE("starts empty") { CHECK(std::vector<int>{}.empty()); }

  TEST_CASE("adds up") {
    std::vector<int> prices{3, 4};
    std::cout << "two teas\n";
    CHECK(prices[0] + prices[1] == (fails() ? 8 : 7));
  }

  TEST_CASE("keeps its connection") { REQUIRE_FALSE(fails_at_first()); }

  TEST_CASE("takes payment" * doctest::skip()) { CHECK(false); }
}
