// SPDX-License-Identifier: MIT
#include "net/url.h"

#include <gtest/gtest.h>

#include "net/mime.h"

namespace baton::net {
namespace {

std::vector<std::string> segments_of(std::string_view target) {
  const auto parsed = parse_target(target);
  EXPECT_TRUE(parsed) << target;
  return parsed ? parsed->segments : std::vector<std::string>{};
}

TEST(Url, percent_coding_round_trips_every_byte) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(all, percent_decode(percent_encode(all)).value());
  EXPECT_EQ("a%20b%2Fc", percent_encode("a b/c"));
}

TEST(Url, strict_decoding_refuses_broken_escapes) {
  for (const char* text : {"%", "%4", "%zz", "a%2", "%g0", "% 1"}) {
    EXPECT_FALSE(percent_decode(text)) << text;
  }
}

TEST(Url, segments_are_decoded_one_by_one) {
  EXPECT_EQ((std::vector<std::string>{"runs", "a/b", "c d"}), segments_of("/runs/a%2Fb/c%20d"));
  EXPECT_EQ((std::vector<std::string>{}), segments_of("/"));
  EXPECT_EQ((std::vector<std::string>{"a"}), segments_of("/a/"));
  EXPECT_EQ((std::vector<std::string>{"a", "", "b"}), segments_of("/a//b"));
  EXPECT_EQ((std::vector<std::string>{"..", "x"}), segments_of("/../x"));
  EXPECT_EQ((std::vector<std::string>{"a+b"}), segments_of("/a+b"));
}

TEST(Url, a_target_may_hold_the_signs_of_regular_expressions) {
  const auto parsed = parse_target("/go/suite?filter=^(a|b)*$&x={y}");
  ASSERT_TRUE(parsed);
  EXPECT_EQ("/go/suite", parsed->path);
  ASSERT_EQ(2U, parsed->query.size());
  EXPECT_EQ("^(a|b)*$", parsed->query[0].value);
  EXPECT_EQ("{y}", parsed->query[1].value);
}

TEST(Url, a_target_in_absolute_form_counts_by_its_path) {
  EXPECT_EQ((std::vector<std::string>{"a"}), segments_of("http://host:80/a?b=c"));
  EXPECT_EQ((std::vector<std::string>{}), segments_of("http://host"));
  EXPECT_EQ("b", parse_target("https://host?b=c")->query.at(0).name);
  EXPECT_EQ("*", parse_target("*")->path);
}

TEST(Url, a_target_that_is_none_is_refused) {
  for (const char* text : {"", "a", "host:80", "/a#b", "/%", "/%00", "/a%zz", "?a", "ftp://h/a"}) {
    EXPECT_FALSE(parse_target(text)) << text;
  }
}

TEST(Url, a_query_keeps_order_repeats_and_broken_escapes) {
  const auto query = parse_query("a=1&b=%20+&a=2&&c&=d&e=100%&f==");
  ASSERT_EQ(7U, query.size());
  EXPECT_EQ("1", query[0].value);
  EXPECT_EQ("  ", query[1].value);
  EXPECT_EQ("a", query[2].name);
  EXPECT_EQ("c", query[3].name);
  EXPECT_EQ("", query[3].value);
  EXPECT_EQ("", query[4].name);
  EXPECT_EQ("100%", query[5].value);
  EXPECT_EQ("=", query[6].value);
}

TEST(Url, a_formatted_query_reads_back) {
  const std::vector<Parameter> query{{"a b", "c&d=e"}, {"x", "\xff+%"}};
  const auto again = parse_query(format_query(query));
  ASSERT_EQ(2U, again.size());
  EXPECT_EQ("a b", again[0].name);
  EXPECT_EQ("c&d=e", again[0].value);
  EXPECT_EQ("\xff+%", again[1].value);
}

TEST(Url, ranges_are_clipped_to_the_size) {
  const auto range = [](std::string_view text) { return parse_range(text, 100).value().value(); };
  EXPECT_EQ(10U, range("bytes=10-19").first);
  EXPECT_EQ(10U, range("bytes=10-19").length);
  EXPECT_EQ(90U, range("bytes=10-").length);
  EXPECT_EQ(95U, range("bytes=-5").first);
  EXPECT_EQ(100U, range("bytes=-500").length);
  EXPECT_EQ(1U, range("Bytes=99-100000").length);
}

TEST(Url, ranges_that_are_not_understood_mean_everything) {
  for (const char* text : {"", "lines=1-2", "bytes=5", "bytes=9-5", "bytes=a-b", "bytes=1-2,4-5",
                           "bytes=-", "bytes=1-x", "bytes= 1-2"}) {
    const auto range = parse_range(text, 100);
    ASSERT_TRUE(range) << text;
    EXPECT_FALSE(*range) << text;
  }
}

TEST(Url, ranges_outside_are_unsatisfiable) {
  EXPECT_EQ(Code::unsatisfiable, parse_range("bytes=100-", 100).error().code);
  EXPECT_EQ(Code::unsatisfiable, parse_range("bytes=-0", 100).error().code);
  EXPECT_EQ(Code::unsatisfiable, parse_range("bytes=0-", 0).error().code);
}

TEST(Url, no_file_name_breaks_out_of_the_disposition) {
  EXPECT_EQ("attachment; filename=\"a.txt\"", attachment_disposition("a.txt"));
  EXPECT_EQ("attachment; filename=\"a__b_\"; filename*=UTF-8''a%0D%0Ab%22",
            attachment_disposition("a\r\nb\""));
  EXPECT_EQ("attachment; filename=\"__\"; filename*=UTF-8''%C3%A4", attachment_disposition("ä"));
}

TEST(Url, content_types_come_from_the_extension) {
  EXPECT_EQ("text/html; charset=utf-8", content_type_of("a/b.HTML"));
  EXPECT_EQ("application/zstd", content_type_of("x.tar.zst"));
  EXPECT_EQ("application/octet-stream", content_type_of("html"));
  EXPECT_EQ("application/octet-stream", content_type_of("a.html/b"));
  EXPECT_EQ("application/octet-stream", content_type_of("a.averylongextension"));
}

}  // namespace
}  // namespace baton::net
