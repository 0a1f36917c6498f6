// SPDX-License-Identifier: MIT
#include "net/multipart.h"

#include <gtest/gtest.h>

namespace baton::net {
namespace {

constexpr std::string_view kType = "multipart/form-data; boundary=XX";

TEST(Multipart, parts_come_with_their_names_and_exact_bytes) {
  const std::string body =
      "preamble\r\n--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--XX  \r\n"
      "content-type: text/xml\r\n"
      "Content-Disposition: form-data; name=b; filename=\"r\\\"1\\\".xml\"\r\n\r\n"
      "\r\n--X\r\n\r\n--XX--\r\nepilogue";
  const std::string all = std::string{body}.insert(body.find("--X\r\n") + 5, 1, '\0');
  const auto parts = parse_multipart("Multipart/Form-Data; charset=x; Boundary=\"XX\"", all);
  ASSERT_TRUE(parts) << parts.error().message;
  ASSERT_EQ(2U, parts->size());
  EXPECT_EQ("a", (*parts)[0].name);
  EXPECT_EQ("one", (*parts)[0].content);
  EXPECT_EQ("b", (*parts)[1].name);
  EXPECT_EQ("r\"1\".xml", (*parts)[1].file_name);
  EXPECT_EQ("text/xml", (*parts)[1].content_type);
  EXPECT_EQ(std::string_view("\r\n--X\r\n\0", 8), (*parts)[1].content);
}

TEST(Multipart, a_part_may_be_empty_and_there_may_be_none) {
  const auto empty = parse_multipart(
      kType, "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n--XX--");
  ASSERT_TRUE(empty);
  EXPECT_EQ("", empty->at(0).content);
  EXPECT_TRUE(parse_multipart(kType, "--XX--")->empty());
}

TEST(Multipart, broken_bodies_are_refused) {
  const std::string head = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n";
  for (const std::string& body :
       {std::string{}, std::string{"--YY\r\n"}, std::string{"--XX"}, std::string{"--XX\r\n"}, head,
        head + "\r\n", head + "\r\nabc", head + "\r\nabc\r\n--XX", head + "\r\nabc\r\n--XXz",
        std::string{"--XX\r\n\r\nabc\r\n--XX--"},
        std::string{"--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\nabc\r\n--XX--"},
        std::string{"--XX\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nabc\r\n--XX--"}}) {
    EXPECT_FALSE(parse_multipart(kType, body)) << body;
  }
}

TEST(Multipart, broken_content_types_are_refused) {
  for (const char* type : {"", "text/plain; boundary=XX", "multipart/form-data",
                           "multipart/form-data; boundary=", "multipart/form-data; boundary=\"XX",
                           "multipart/mixed; boundary=XX"}) {
    EXPECT_FALSE(parse_multipart(type, "--XX--")) << type;
  }
  const std::string long_boundary(71, 'x');
  EXPECT_FALSE(parse_multipart("multipart/form-data; boundary=" + long_boundary, "--XX--"));
}

TEST(Multipart, a_part_is_looked_for_no_further_than_its_head) {
  const std::string first = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n";
  const std::string second = "\r\n--XX\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n";
  EXPECT_TRUE(has_part(kType, first + "it does not end", {"a", "c"}).value());
  EXPECT_TRUE(has_part(kType, first + second + "it does not end", {"b"}).value());
  EXPECT_FALSE(has_part(kType, first + second + "\r\n--XX--", {"c"}).value());
  EXPECT_FALSE(has_part(kType, first + "it does not end", {"b"}));
  EXPECT_FALSE(has_part("text/plain", first, {"a"}));
}

TEST(Multipart, parts_and_their_headers_have_limits) {
  const std::string part = "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
  std::string many;
  for (std::size_t i = 0; i <= kPartsMax; ++i) many += part;
  EXPECT_EQ(Code::too_large, parse_multipart(kType, many + "--XX--").error().code);
  const std::string fat = "--XX\r\nX: " + std::string(kPartHeaderBytesMax, 'y') + "\r\n\r\n";
  EXPECT_EQ(Code::too_large, parse_multipart(kType, fat).error().code);
}

}  // namespace
}  // namespace baton::net
