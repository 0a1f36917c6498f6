// SPDX-License-Identifier: MIT
#include "net/request_parser.h"

#include <gtest/gtest.h>

#include "net/chunk_decoder.h"
#include "net/response_head.h"

namespace baton::net {
namespace {

Result<ParsedHead> parse(const std::string& raw) {
  HeadScanner scanner;
  BATON_TRY(size, scanner.scan(raw));
  if (size != raw.size()) return fail(Code::invalid, "incomplete");
  return parse_head(raw, 32);
}

Result<ParsedHead> parse_fields(const std::string& fields) {
  return parse("POST /a?b=c HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
}

TEST(RequestParser, a_head_is_taken_apart) {
  const auto parsed = parse_fields("X-A:  1 \r\nx-a: 2\r\nContent-Length: 12\r\n");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ("POST", parsed->head.method);
  EXPECT_EQ("/a?b=c", parsed->head.target);
  EXPECT_EQ("/a", parsed->head.path);
  EXPECT_EQ("c", *parsed->head.parameter("b"));
  EXPECT_EQ("1", parsed->head.headers.get("x-A"));
  EXPECT_EQ(2U, parsed->head.headers.all("X-A").size());
  EXPECT_EQ(12U, parsed->head.content_length);
  EXPECT_FALSE(parsed->close);
}

TEST(RequestParser, the_wish_to_close_is_read) {
  EXPECT_TRUE(parse_fields("Connection: close\r\n")->close);
  EXPECT_TRUE(parse_fields("Connection: x, CLOSE\r\n")->close);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\n\r\n")->close);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")->close);
}

TEST(RequestParser, every_ambiguous_length_is_refused) {
  for (const char* fields : {
           "Content-Length: 5\r\nContent-Length: 5\r\n",
           "Content-Length: 5, 5\r\n",
           "Content-Length: +5\r\n",
           "Content-Length: -5\r\n",
           "Content-Length: 0x5\r\n",
           "Content-Length: 5 5\r\n",
           "Content-Length:\r\n",
           "Content-Length: 99999999999999999999\r\n",
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked, chunked\r\n",
           "Transfer-Encoding: gzip, chunked\r\n",
           "Transfer-Encoding: identity\r\n",
           "Transfer-Encoding: xchunked\r\n",
           "Transfer-Encoding: \"chunked\"\r\n",
           "Transfer-Encoding : chunked\r\n",
           "Transfer-Encoding:\r\n",
           "Transfer-Encoding\r\n",
           " Transfer-Encoding: chunked\r\n",
           "X: y\r\n folded\r\n",
           "X: y\r\n\tfolded\r\n",
       }) {
    EXPECT_FALSE(parse_fields(fields)) << fields;
  }
  EXPECT_FALSE(parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"));
  EXPECT_TRUE(parse_fields("Transfer-Encoding: CHUNKED\r\n")->chunked);
}

TEST(RequestParser, one_host_is_needed) {
  EXPECT_FALSE(parse("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_FALSE(parse("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"));
  EXPECT_FALSE(parse("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"));
  EXPECT_FALSE(parse("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"));
  EXPECT_TRUE(parse("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"));
  EXPECT_TRUE(parse("GET / HTTP/1.1\r\nHost:\r\n\r\n"));
}

TEST(RequestParser, the_scanner_refuses_what_cannot_stand_in_a_head) {
  for (const std::string& raw :
       {std::string("GET / HTTP/1.1\nHost: h\n\n"), std::string("GET / HTTP/1.1\r\nHost: h\n\r\n"),
        std::string("GET / HTTP/1.1\rHost: h\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", 27),
        std::string("GET / HTTP/1.1\r\nX: \x1b[m\r\n\r\n"),
        std::string("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), std::string("\x16\x03\x01\x02")}) {
    HeadScanner scanner;
    EXPECT_FALSE(scanner.scan(raw)) << raw;
  }
}

TEST(RequestParser, the_scanner_finds_the_end_at_every_split) {
  const std::string raw = "GET / HTTP/1.1\r\nHost: h\r\n\r\nGET";
  const std::size_t end = raw.size() - 3;
  HeadScanner scanner;
  for (std::size_t size = 0; size < end; ++size) {
    ASSERT_EQ(0U, scanner.scan(std::string_view{raw}.substr(0, size)).value()) << size;
  }
  EXPECT_EQ(end, scanner.scan(raw).value());
}

TEST(RequestParser, fields_have_a_limit) {
  std::string fields;
  for (int i = 0; i < 40; ++i) fields += "X: y\r\n";
  EXPECT_EQ(Code::too_large, parse_fields(fields).error().code);
}

/// Offers `text` in pieces of `step` bytes, as a connection would.
Result<std::string> decode(std::string_view text, std::size_t step) {
  ChunkDecoder decoder(1 << 20);
  std::string pending;
  std::string body;
  for (std::size_t i = 0; i < text.size(); i += step) {
    pending += text.substr(i, step);
    BATON_TRY(used, decoder.decode(pending, body));
    pending.erase(0, used);
  }
  if (!decoder.done()) return fail(Code::internal, "not done");
  return body + '|' + pending;
}

TEST(RequestParser, chunks_are_joined_at_every_split) {
  const std::string text = "5\r\nhello\r\n00000A;x=\"y\"\r\n0123456789\r\n0;z\r\nT: u\r\n\r\nNEXT";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    const auto decoded = decode(text, step);
    ASSERT_TRUE(decoded) << step << decoded.error().message;
    EXPECT_EQ("hello0123456789|NEXT", *decoded) << step;
  }
}

TEST(RequestParser, bad_chunks_are_refused) {
  for (const std::string& text :
       {std::string("5\nhello\r\n0\r\n\r\n"), std::string("5\r\nhello0\r\n\r\n"),
        std::string("5\r\nhelloo\r\n0\r\n\r\n"), std::string("-5\r\nhello\r\n0\r\n\r\n"),
        std::string("0x5\r\nhello\r\n0\r\n\r\n"), std::string(" 5\r\nhello\r\n0\r\n\r\n"),
        std::string("5 \r\nhello\r\n0\r\n\r\n"), std::string("5 ;a\r\nhello\r\n0\r\n\r\n"),
        std::string("g\r\nhello\r\n0\r\n\r\n"), std::string("\r\nhello\r\n0\r\n\r\n"),
        std::string("10000000000000005\r\nhello\r\n0\r\n\r\n"),
        "5;" + std::string(300, 'x') + "\r\nhello\r\n0\r\n\r\n",
        std::string("0\r\nX: y\n\n\r\n\r\n"), std::string("0\r\nX y\r\n\r\n"),
        std::string("0\r\nX: y\r\n z\r\n\r\n"), "0\r\nX:" + std::string(9'000, 'x'),
        "5;" + std::string(20'000, 'x')}) {
    for (const std::size_t step : {std::size_t{1}, text.size()}) {
      const auto decoded = decode(text, step);
      ASSERT_FALSE(decoded) << text;
      EXPECT_EQ(Code::invalid, decoded.error().code) << text;
    }
  }
}

TEST(RequestParser, chunks_have_a_limit_together) {
  ChunkDecoder decoder(8);
  std::string body;
  EXPECT_TRUE(decoder.decode("5\r\nhello\r\n", body));
  EXPECT_EQ(Code::too_large, decoder.decode("4\r\n", body).error().code);
  EXPECT_EQ("hello", body);
}

TEST(RequestParser, no_header_of_a_response_can_begin_another) {
  Response response = reply(201, "text/plain", "x");
  response.headers.add("X-Name", "a\r\nSet-Cookie: evil\0\x1b");
  response.headers.add("X-Bad\r\nName", "b");
  response.headers.add("content-length", "999");
  const std::string head =
      format_head(response, {.content_length = 1, .date = "D", .request_id = "r"});
  EXPECT_EQ(
      "HTTP/1.1 201 Created\r\nDate: D\r\nContent-Type: text/plain\r\n"
      "X-Name: a  Set-Cookie: evil\r\nX-Request-Id: r\r\nContent-Length: 1\r\n\r\n",
      head);
}

TEST(RequestParser, dates_have_the_form_of_http) {
  EXPECT_EQ("Sun, 06 Nov 1994 08:49:37 GMT", format_http_date(784'111'777));
}

}  // namespace
}  // namespace baton::net
