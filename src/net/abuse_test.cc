// SPDX-License-Identifier: MIT
// Requests that a lenient server would take, or that another server in the chain would read
// differently. Each is answered 4xx and the connection is closed; none reaches the handler.
#include <atomic>
#include <string>
#include <vector>

#include "net/test_support.h"

namespace baton::net {
namespace {

using namespace std::string_literals;

struct Abuse {
  std::string bytes;
  int status = 400;
};

const std::string kStart = "POST / HTTP/1.1\r\nHost: h\r\n";
const std::string kChunked = kStart + "Transfer-Encoding: chunked\r\n\r\n";

std::vector<Abuse> lengths() {
  return {
      {kStart + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {kStart + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"},
      {kStart + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"},
      {kStart + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab"},
      {kStart + "Content-Length: 2, 2\r\n\r\nab"},
      {kStart + "Content-Length: +2\r\n\r\nab"},
      {kStart + "Content-Length: -2\r\n\r\nab"},
      {kStart + "Content-Length: 0x2\r\n\r\nab"},
      {kStart + "Content-Length: 2a\r\n\r\nab"},
      {kStart + "Content-Length: 2 2\r\n\r\nab"},
      {kStart + "Content-Length: \r\n\r\nab"},
      {kStart + "Content-Length: 18446744073709551616\r\n\r\n"},
      {kStart + "Content-Length : 2\r\n\r\nab"},
      {kStart + " Content-Length: 2\r\n\r\nab"},
      {kStart + "Content-Length:\x0b"
                "2\r\n\r\nab"},
      {kStart + "Transfer-Encoding: identity\r\n\r\n"},
      {kStart + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
      {kStart + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"},
      {kStart + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {kStart + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"},
      {kStart + "Transfer-Encoding:\x0b"
                "chunked\r\n\r\n0\r\n\r\n"},
      {kStart + "Transfer-Encoding: \x00"
                "chunked\r\n\r\n"s},
      {kStart + "Transfer-Encoding\r\n: chunked\r\n\r\n0\r\n\r\n"},
      {kStart + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"},
  };
}

std::vector<Abuse> chunks() {
  return {
      {kChunked + "2\nab\r\n0\r\n\r\n"},
      {kChunked + "2\r\nab0\r\n\r\n"},
      {kChunked + "2\r\nabc\r\n0\r\n\r\n"},
      {kChunked + "-2\r\nab\r\n0\r\n\r\n"},
      {kChunked + "0x2\r\nab\r\n0\r\n\r\n"},
      {kChunked + "2 \r\nab\r\n0\r\n\r\n"},
      {kChunked + " 2\r\nab\r\n0\r\n\r\n"},
      {kChunked + "x\r\nab\r\n0\r\n\r\n"},
      {kChunked + "fffffffffffffffff\r\nab\r\n0\r\n\r\n"},
      {kChunked + "2;" + std::string(257, 'e') + "\r\nab\r\n0\r\n\r\n"},
      {kChunked + "2;" + std::string(40'000, 'e')},
      {kChunked + "0\r\nX: y\n\r\n\r\n"},
      {kChunked + "0\r\nX y\r\n\r\n"},
      {kChunked + "0\r\nX: y\r\n z\r\n\r\n"},
      {kChunked + "ffffffff\r\n", 413},
  };
}

std::vector<Abuse> lines() {
  return {
      {"GET / HTTP/1.1\nHost: h\n\n"},
      {"GET / HTTP/1.1\r\nHost: h\n\r\n"},
      {"GET / HTTP/1.1\rHost: h\r\r"},
      {"\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"GET  / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"GET / HTTP/1.1 \r\nHost: h\r\n\r\n"},
      {" GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"GET / HTTP/1.1x\r\nHost: h\r\n\r\n"},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n"},
      {"GET / HTTP/1.2\r\nHost: h\r\n\r\n"},
      {"GET / http/1.1\r\nHost: h\r\n\r\n"},
      {"GET /\r\n\r\n"},
      {"GET\r\n\r\n"},
      {"GET / a HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"GE(T / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"GET a HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"GET /#f HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"GET /\x00 HTTP/1.1\r\nHost: h\r\n\r\n"s},
      {"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"\x16\x03\x01\x00\xa5\x01"s},
  };
}

std::vector<Abuse> fields() {
  std::string many = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 200; ++i) many += "A: b\r\n";
  return {
      {"GET / HTTP/1.1\r\n\r\n"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
      {"GET / HTTP/1.1\r\nHost: a@b/c\r\n\r\n"},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n"},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n\tb\r\n\r\n"},
      {"GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n"},
      {"GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n"},
      {"GET / HTTP/1.1\r\nHost: h\r\nX Y: a\r\n\r\n"},
      {"GET / HTTP/1.1\r\nHost: h\r\nX(: a\r\n\r\n"},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: a\x7f\r\n\r\n"},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: a\x00z\r\n\r\n"s},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n"},
      {"GET / HTTP/1.1\r\nHost: h\r\nExpect: a-miracle\r\n\r\n"},
      {many + "\r\n", 431},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(70'000, 'x'), 431},
      {"GET /" + std::string(70'000, 'x'), 431},
  };
}

void expect_refused(const std::vector<Abuse>& corpus) {
  std::atomic<int> handled{0};
  ServerOptions options = local_options();
  options.limits.linger = Duration{50};
  const auto server = serve(
      [&handled](Request) -> asio_response {
        ++handled;
        co_return reply(200);
      },
      options);
  for (const Abuse& abuse : corpus) {
    RawClient client(server->port());
    // A smuggled second request must not be answered either.
    client.send(abuse.bytes);
    const std::string answer = client.read_to_end();
    EXPECT_EQ(abuse.status, status_of(answer)) << abuse.bytes.substr(0, 200);
    EXPECT_NE(std::string::npos, answer.find("Connection: close\r\n"));
    EXPECT_EQ(std::string::npos, answer.find("HTTP/1.1 200"));
  }
  EXPECT_EQ(0, handled);
  EXPECT_TRUE(eventually([&] { return server->stats().connections_open == 0; }));
}

TEST(Abuse, bodies_of_unclear_length_are_refused) { expect_refused(lengths()); }
TEST(Abuse, broken_chunks_are_refused) { expect_refused(chunks()); }
TEST(Abuse, broken_lines_are_refused) { expect_refused(lines()); }
TEST(Abuse, broken_and_endless_fields_are_refused) { expect_refused(fields()); }

TEST(Abuse, clients_that_vanish_at_every_byte_leave_nothing_behind) {
  const auto server = serve(echo());
  const std::string whole = kStart + "Content-Length: 5\r\n\r\nhello";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    RawClient client(server->port());
    client.send(std::string_view{whole}.substr(0, size));
    if (size % 2 == 0) client.reset();
  }
  EXPECT_TRUE(eventually([&] { return server->stats().connections_open == 0; }));
}

}  // namespace
}  // namespace baton::net
