// SPDX-License-Identifier: MIT
#include "suite/json.h"

#include <gtest/gtest.h>

namespace baton::suite {
namespace {

TEST(Json, what_is_written_reads_back) {
  const std::string text =
      JsonObject()
          .text("name", "quote \" slash \\ line \n nul " + std::string(1, '\0'))
          .number("n", -12)
          .boolean("yes", true)
          .raw("list", json_array({"1", "\"two\""}))
          .raw("map", json_texts({{"k", "v"}}))
          .str();
  const auto read = parse_json(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->text_of("name"), "quote \" slash \\ line \n nul " + std::string(1, '\0'));
  EXPECT_EQ(read->number_of("n"), -12);
  EXPECT_TRUE(read->flag("yes"));
  EXPECT_EQ(read->find("list")->items.size(), 2u);
  EXPECT_EQ(read->find("map")->text_of("k"), "v");
  EXPECT_EQ(read->find("none"), nullptr);
}

TEST(Json, invalid_utf8_is_repaired_when_written) {
  const auto read = parse_json(JsonObject().text("t", "a\xff").str());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text_of("t"), "a\xEF\xBF\xBD");
}

TEST(Json, escapes_become_utf8) {
  const auto read = parse_json(R"({"t":"\u00e9 \u20ac \ud83d\ude00 \/"})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text_of("t"), "é € 😀 /");
}

TEST(Json, malformed_text_is_refused) {
  for (const char* text : {"", "{", "[1,]", "{\"a\"}", "{\"a\":}", "\"\\u12\"", "\"open", "tru",
                           "{} x", "{\"a\":1 \"b\":2}"}) {
    const auto read = parse_json(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Code::invalid);
  }
}

TEST(Json, deep_nesting_is_refused_before_the_stack_ends) {
  EXPECT_FALSE(parse_json(std::string(100'000, '[')));
}

}  // namespace
}  // namespace baton::suite
