// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdio>
#include <numeric>
#include <vector>

#include "wish.h"

namespace {

class Basket : public testing::Test {
 protected:
  void add(int price) { prices_.push_back(price); }
  int total() const { return std::accumulate(prices_.begin(), prices_.end(), 0); }

 private:
  std::vector<int> prices_;
};

TEST_F(Basket, starts_empty) { EXPECT_EQ(total(), 0); }

TEST_F(Basket, adds_up) {
  add(3);
  add(4);
  std::printf("the total is %d\n", total());
  EXPECT_EQ(total(), fails() ? 8 : 7);
}

TEST_F(Basket, keeps_its_connection) {
  EXPECT_FALSE(fails_at_first()) << "the connection was lost";
}

TEST_F(Basket, takes_payment) { GTEST_SKIP() << "the payment service is not part of this example"; }

class Price : public testing::TestWithParam<int> {};
TEST_P(Price, is_positive) { EXPECT_GT(GetParam(), 0); }
INSTANTIATE_TEST_SUITE_P(Teas, Price, testing::Values(3, 4));

}  // namespace
