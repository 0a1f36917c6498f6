// SPDX-License-Identifier: MIT
// GoogleTest's assertions inside Baton tests.
#include <baton/gtest.h>

#include <stdexcept>

BATON_SUITE(with_gtest);

namespace {
void helper() { ASSERT_EQ(1, 2) << "from a helper"; }
}  // namespace

BATON_TEST(with_gtest, expects_twice) {
  EXPECT_EQ(2 + 2, 5) << "sums";
  EXPECT_STREQ("tea", "mate");
  t.log("went on");
}
BATON_TEST(with_gtest, asserts_in_a_helper) {
  helper();
  t.log("must not be reached");
}
BATON_TEST(with_gtest, passes) {
  EXPECT_THROW(throw std::runtime_error("x"), std::runtime_error);
  ASSERT_NEAR(1.0, 1.001, 0.01);
}
BATON_TEST(with_gtest, skips) { GTEST_SKIP() << "not today"; }

int main(int argc, char** argv) { return baton::main(argc, argv); }
