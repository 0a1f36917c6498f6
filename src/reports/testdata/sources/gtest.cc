// SPDX-License-Identifier: MIT
// What the captured GoogleTest reports beside this folder were made from (capture.sh).
#include <gtest/gtest.h>

#include <cstdio>

TEST(Math, adds) { EXPECT_EQ(2 + 2, 4); }
TEST(Math, fails_twice) {
  std::printf("about to compare\n");
  EXPECT_EQ(1, 2) << "first <&> \"quoted\"";
  EXPECT_TRUE(false);
}
TEST(Math, skips) { GTEST_SKIP() << "no server here"; }
TEST(Math, DISABLED_sleeps) {}
TEST(Math, records) { RecordProperty("answer", 42); }
TEST(Output, has_no_newline) { std::printf("no newline"); }
class Even : public ::testing::TestWithParam<int> {};
TEST_P(Even, is_even) { EXPECT_EQ(GetParam() % 2, 0); }
INSTANTIATE_TEST_SUITE_P(Numbers, Even, ::testing::Values(0, 1));
template <class T>
class Typed : public ::testing::Test {};
using Types = ::testing::Types<int, long>;
TYPED_TEST_SUITE(Typed, Types);
TYPED_TEST(Typed, is_zero) { EXPECT_EQ(TypeParam{}, 0); }
