// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <boost/json/value.hpp>

#include "base/text.h"
#include "wire/error_map.h"
#include "wire/json_reader.h"
#include "wire/json_writer.h"
#include "wire/page.h"

namespace baton::wire {
namespace {

std::string message_of(std::string_view json) {
  const auto parsed = parse_json(json);
  return parsed ? "" : parsed.error().message;
}

TEST(JsonWriter, places_commas_and_escapes) {
  JsonWriter out;
  out.begin_object().field("a", 1).field("b", "x\"\n").key("c").begin_array().value(true).null();
  out.end_array().field("d", std::map<std::string, std::string>{{"k", "\xff"}}).end_object();
  EXPECT_EQ(out.take(),
            "{\"a\":1,\"b\":\"x\\\"\\n\",\"c\":[true,null],\"d\":{\"k\":\"\xEF\xBF\xBD\"}}");
}

TEST(JsonWriter, every_byte_is_escaped_wherever_it_stands) {
  for (int byte = 0; byte < 0x80; ++byte)
    for (std::size_t at = 0; at < 19; ++at) {
      std::string text(19, 'x');
      text[at] = static_cast<char>(byte);
      JsonWriter out;
      ASSERT_EQ(out.value(text).take(), json_quote(text)) << byte << " at " << at;
    }
  EXPECT_EQ(JsonWriter{}.value(std::string(9, 'x') + "\xc3\xa4").take(), "\"xxxxxxxxx\xc3\xa4\"");
}

TEST(JsonWriter, makes_links_below_a_path) {
  JsonWriter out("http://h");
  out.begin_object().link("a", "/x", "/y").link("b", "/\"", "/y").link("c", "/z").end_object();
  EXPECT_EQ(out.take(), R"({"a":"http://h/x/y","b":"http://h/\"/y","c":"http://h/z"})");
}

TEST(JsonWriter, leaves_out_what_is_not_set) {
  JsonWriter out;
  out.begin_object()
      .field_if("a", "")
      .field_if("b", std::optional<int>{})
      .field_if("c", std::optional{3});
  EXPECT_EQ(out.end_object().take(), "{\"c\":3}");
}

TEST(JsonReader, refuses_duplicate_keys_with_their_pointer) {
  const auto parsed = parse_json(R"({"a":[{"x/y":1,"x/y":2}]})");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, Code::invalid);
  ASSERT_EQ(parsed.error().details.size(), 1U);
  EXPECT_EQ(parsed.error().details[0].pointer, "/a/0/x~1y");
}

TEST(JsonReader, refuses_depth_beyond_32_and_takes_32) {
  EXPECT_EQ(message_of(std::string(32, '[') + std::string(32, ']')), "");
  EXPECT_NE(message_of(std::string(33, '[') + std::string(33, ']')).find("deeper"),
            std::string::npos);
  EXPECT_NE(message_of(std::string(100'000, '[')), "");
}

TEST(JsonReader, refuses_what_is_not_json) {
  for (const char* text :
       {"", "{", "{}x", "{'a':1}", "nul", "[1,]", "{\"a\":\"\xff\"}", "\xEF\xBB\xBF{}"})
    EXPECT_NE(message_of(text), "") << text;
  EXPECT_NE(message_of(R"({"a":"x\u0000y"})"), "");
  EXPECT_NE(message_of(R"({"a\u0000":1})"), "");
}

TEST(JsonReader, names_unknown_fields_and_suggests) {
  std::string suite;
  const auto read = read_json(R"({"siute":"x"})", [&](JsonFields& f) { f.text("suite", suite); });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::invalid);
  ASSERT_EQ(read.error().details.size(), 1U);
  EXPECT_EQ(read.error().details[0].pointer, "/siute");
  EXPECT_EQ(read.error().details[0].detail,
            "the field \"siute\" is unknown; did you mean \"suite\"?");
}

TEST(JsonReader, collects_type_errors_of_nested_fields) {
  int number = 0;
  Duration wait{0};
  std::map<std::string, std::string> labels;
  const auto read = read_json(R"({"n":"x","wait":"5 parsecs","inner":{"k":1},"labels":{"a":[]}})",
                              [&](JsonFields& f) {
                                f.integer("n", number, 0, 9);
                                f.duration("wait", wait);
                                f.object("inner", [](JsonFields& inner) {
                                  bool flag = false;
                                  inner.boolean("k", flag);
                                });
                                f.text_map("labels", labels);
                              });
  ASSERT_FALSE(read);
  ASSERT_EQ(read.error().details.size(), 4U);
  EXPECT_EQ(read.error().details[0].pointer, "/n");
  EXPECT_EQ(read.error().details[1].pointer, "/wait");
  EXPECT_EQ(read.error().details[2].pointer, "/inner/k");
  EXPECT_EQ(read.error().details[3].pointer, "/labels/a");
}

TEST(JsonReader, range_checks_integers) {
  int number = 0;
  const auto reads = [&](const char* text) {
    return read_json(text, [&](JsonFields& f) { f.integer("n", number, 1, 100); }).has_value();
  };
  EXPECT_TRUE(reads(R"({"n":100})"));
  EXPECT_FALSE(reads(R"({"n":101})"));
  EXPECT_FALSE(reads(R"({"n":-1})"));
  EXPECT_FALSE(reads(R"({"n":18446744073709551615})"));
  EXPECT_FALSE(reads(R"({"n":1e30})"));
  EXPECT_FALSE(reads(R"({"n":1.5})"));
  EXPECT_TRUE(reads(R"({"n":null})"));
}

TEST(ErrorMap, a_silent_server_is_not_the_users_own_time_limit) {
  EXPECT_EQ(exit_code_of(Code::timeout), exit_code_of(Code::unreachable));
}

TEST(ErrorMap, a_problem_survives_the_way_over_the_wire) {
  const Error error{Code::conflict, "run 7 is \"finished\"", "rerun it", {{"/a", "b"}}};
  const std::string json = to_problem_json(error, {.instance = "/api/v1/x", .request_id = "r1"});
  EXPECT_EQ(
      json,
      R"({"type":"about:blank","title":"Conflict","status":409,"detail":"run 7 is \"finished\"",)"
      R"("instance":"/api/v1/x","code":"conflict","fix":"rerun it","request_id":"r1",)"
      R"("errors":[{"pointer":"/a","detail":"b"}]})");
  const Error back = parse_problem(409, json);
  EXPECT_EQ(back.code, Code::conflict);
  EXPECT_EQ(back.message, error.message);
  EXPECT_EQ(back.fix, "rerun it");
  ASSERT_EQ(back.details.size(), 1U);
}

TEST(ErrorMap, a_foreign_answer_becomes_an_error_too) {
  const Error error = parse_problem(503, "<html>proxy</html>");
  EXPECT_EQ(error.code, Code::unavailable);
  EXPECT_NE(error.message.find("503"), std::string::npos);
}

TEST(ErrorMap, every_code_has_a_row) {
  for (int i = 0; i <= static_cast<int>(Code::internal); ++i) {
    const auto code = static_cast<Code>(i);
    ASSERT_TRUE(parse_code(name_of(code)));
    EXPECT_EQ(*parse_code(name_of(code)), code);
    EXPECT_GE(http_status_of(code), 400);
    EXPECT_GT(exit_code_of(code), 0);
  }
}

TEST(Page, cursors_return_what_went_in_and_refuse_others) {
  for (const std::string key : {"", "a", "default/x", "\xff\x00z"})
    EXPECT_EQ(*decode_cursor(encode_cursor(key)), key);
  EXPECT_EQ(*decode_integer_cursor(encode_cursor(std::int64_t{-42})), -42);
  for (const char* bad : {"", "x", "!!!!", "AAAA", "MTIz"}) EXPECT_FALSE(decode_cursor(bad)) << bad;
  EXPECT_FALSE(decode_integer_cursor(encode_cursor("12a")));
}

TEST(Page, entity_tags_match_as_rfc_9110_says) {
  EXPECT_TRUE(etag_matches("\"a\", \"r7\"", etag_of_revision(7), false));
  EXPECT_TRUE(etag_matches("*", etag_of_revision(7), false));
  EXPECT_FALSE(etag_matches("W/\"r7\"", etag_of_revision(7), false));
  EXPECT_TRUE(etag_matches("W/\"r7\"", etag_of_revision(7), true));
  EXPECT_FALSE(etag_matches("r7", etag_of_revision(7), true));
}

TEST(Page, base64_of_basic_credentials) {
  EXPECT_EQ(*base64_decode("YTpiL2M/"), "a:b/c?");
  EXPECT_EQ(*base64_decode("YTpi"), "a:b");
  EXPECT_EQ(*base64_decode("YTo="), "a:");
  EXPECT_FALSE(base64_decode("YTpi_"));
}

}  // namespace
}  // namespace baton::wire
