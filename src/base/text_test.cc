// SPDX-License-Identifier: MIT
#include "base/text.h"

#include <gtest/gtest.h>

namespace baton {
namespace {

TEST(Text, utf8_is_repaired_byte_by_byte) {
  EXPECT_TRUE(is_valid_utf8("gr\xC3\xBC\xC3\x9F"));
  EXPECT_EQ(to_valid_utf8("a\xFF"
                          "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_FALSE(is_valid_utf8("\xED\xA0\x80"));      // a surrogate
  EXPECT_FALSE(is_valid_utf8("\xC0\xAF"));          // overlong
  EXPECT_FALSE(is_valid_utf8("\xF5\x80\x80\x80"));  // beyond U+10FFFF
}

TEST(Text, utf8_is_looked_at_behind_any_length_of_ascii) {
  for (std::size_t n = 0; n < 20; ++n) {
    const std::string ascii(n, 'a');
    EXPECT_TRUE(is_valid_utf8(ascii + "\xC3\xBC" + ascii)) << n;
    EXPECT_FALSE(is_valid_utf8(ascii + "\xFF" + ascii)) << n;
    EXPECT_FALSE(is_valid_utf8(ascii + "\xC3")) << n;
    EXPECT_EQ(to_valid_utf8(ascii + "\xFF" + ascii), ascii + "\xEF\xBF\xBD" + ascii) << n;
    EXPECT_EQ(json_quote(ascii + "\"\xC3\xBC" + ascii),
              "\"" + ascii + "\\\"\xC3\xBC" + ascii + "\"");
  }
}

TEST(Text, json_quote_escapes_everything_that_json_forbids) {
  EXPECT_EQ(json_quote("a\"\\\n\x01\x7f"), "\"a\\\"\\\\\\n\\u0001\\u007f\"");
  EXPECT_EQ(json_quote(std::string_view("\0x", 2)), "\"\\u0000x\"");
}

TEST(Text, glob_star_stays_within_a_part_and_double_star_does_not) {
  EXPECT_TRUE(glob_match("out/**/*.xml", "out/a/b/c.xml"));
  EXPECT_TRUE(glob_match("out/**/*.xml", "out/c.xml"));
  EXPECT_FALSE(glob_match("out/*.xml", "out/a/c.xml"));
  EXPECT_TRUE(glob_match("test-results/**", "test-results/x/y.png"));
  EXPECT_FALSE(glob_match("a?c", "a/c"));
}

TEST(Text, nearest_suggests_only_what_is_near) {
  EXPECT_EQ(nearest("comand", {"command", "kind"}), "command");
  EXPECT_EQ(nearest("zzz", {"command", "kind"}), "");
  // A megabyte against a megabyte would take minutes.
  const std::string long_word(1 << 20, 'x');
  EXPECT_EQ(nearest(long_word, {long_word + "y", "kind"}), "");
  EXPECT_EQ(nearest("comand", {long_word, "command"}), "command");
}

}  // namespace
}  // namespace baton
