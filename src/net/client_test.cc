// SPDX-License-Identifier: MIT
#include "net/client.h"

#include <stdlib.h>

#include <fstream>
#include <future>
#include <stop_token>
#include <thread>

#include "net/sse.h"
#include "net/test_support.h"

namespace baton::net {
namespace {

using asio_void = boost::asio::awaitable<void>;

HttpRequest to(const Server& server, std::string_view path, std::string method = "GET") {
  HttpRequest request;
  request.method = std::move(method);
  request.url = server.url() + std::string{path};
  return request;
}

/// Answers with the method, the content type and length it saw, and the body.
Handler mirror() {
  return [](Request request) -> asio_response {
    Response response = reply(request.path == "/missing" ? 404 : 200, "text/plain", "");
    response.headers.add("X-Seen", fmt::format("{} type={} length={} x={}", request.method,
                                               request.headers.get("Content-Type"),
                                               request.headers.get("Content-Length"),
                                               request.headers.get("X-Mine")));
    response.body = request.body;
    co_return response;
  };
}

TEST(Client, sends_each_method_as_it_is) {
  const auto server = serve(mirror());
  Client client;
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
    HttpRequest request = to(*server, "/", method);
    if (std::string_view{method} != "GET") request.body = "hello";
    request.headers = {{"X-Mine", "yes"}, {"Content-Type", "text/x"}};
    const auto response = client.request(request);
    ASSERT_TRUE(response) << response.error().message;
    const std::string length = request.body.empty() ? "" : "5";
    EXPECT_EQ(fmt::format("{} type=text/x length={} x=yes", method, length),
              response->headers.get("x-seen"));
    EXPECT_EQ(request.body, response->body);
  }
  EXPECT_EQ(1U, server->stats().connections_total);  // kept
}

TEST(Client, an_empty_post_and_a_head_are_no_forms) {
  const auto server = serve(mirror());
  Client client;
  EXPECT_EQ("POST type= length=0 x=",
            client.request(to(*server, "/", "POST"))->headers.get("X-Seen"));
  EXPECT_EQ("DELETE type= length= x=",
            client.request(to(*server, "/", "DELETE"))->headers.get("X-Seen"));
  EXPECT_EQ("HEAD type= length= x=",
            client.request(to(*server, "/", "HEAD"))->headers.get("X-Seen"));
}

TEST(Client, a_refusal_is_a_response) {
  const auto server = serve(mirror());
  EXPECT_EQ(404, Client().request(to(*server, "/missing"))->status);
}

TEST(Client, uploads_a_file_from_an_offset_and_a_reader) {
  const ScratchFolder folder;
  std::ofstream(folder / "data") << "0123456789";
  const auto server = serve(mirror());
  Client client;
  HttpRequest request = to(*server, "/", "PUT");
  request.body_file = folder / "data";
  request.body_file_offset = 4;
  EXPECT_EQ("456789", client.request(request)->body);
  request.body_file = folder / "missing";
  EXPECT_EQ(Code::invalid, client.request(request).error().code);
  HttpRequest streamed = to(*server, "/", "POST");
  int pieces = 0;
  streamed.body_reader = [&pieces](char* buffer, std::size_t) -> std::size_t {
    if (++pieces > 3) return 0;
    buffer[0] = static_cast<char>('a' + pieces);
    return 1;
  };
  EXPECT_EQ("bcd", client.request(streamed)->body);
  pieces = 0;
  streamed.body_reader_size = 3;
  const auto sized = client.request(streamed);
  EXPECT_EQ("bcd", sized->body);
  EXPECT_TRUE(sized->headers.get("X-Seen").find("length=3 ") != std::string_view::npos);
}

TEST(Client, what_must_be_sent_once_shares_no_kept_connection) {
  const auto server = serve(mirror());
  Client client;
  ASSERT_TRUE(client.request(to(*server, "/")));
  HttpRequest request = to(*server, "/", "POST");
  request.only_once = true;
  ASSERT_TRUE(client.request(request));
  EXPECT_EQ(2U, server->stats().connections_total);
}

TEST(Client, hears_the_refusal_of_a_large_upload) {
  const auto server = serve(mirror());
  HttpRequest request = to(*server, "/", "POST");
  request.body.assign(8 << 20, 'x');
  const auto response = Client().request(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(413, response->status);
}

TEST(Client, reads_an_event_stream_until_it_has_enough) {
  const auto server = serve([](Request) -> asio_response {
    Response response = reply(200);
    response.body = StreamBody([](Sink sink) -> asio_void {
      bool alive = true;
      for (int i = 0; alive; ++i) {
        alive = co_await sink.write(sse_format({"tick", std::to_string(i), ""}));
      }
    });
    co_return response;
  });
  std::string seen;
  SseParser parser([&](const SseEvent& event) { seen = event.data; });
  HttpRequest request = to(*server, "/");
  request.total_timeout = kForever;
  int status = 0;
  request.on_head = [&](int s, const Headers&) {
    status = s;
    return true;
  };
  request.on_data = [&](std::string_view piece) { return parser.feed(piece) && seen.size() < 4; };
  EXPECT_EQ(Code::gone, Client().request(request).error().code);
  EXPECT_EQ(200, status);
  EXPECT_EQ(4U, seen.size());
}

Handler silent() {
  return [](Request request) -> asio_response {
    Gate gate;
    co_await gate.wait(kForever, request.caller);
    co_return reply(200);
  };
}

TEST(Client, is_cancelled_from_another_thread) {
  const auto server = serve(silent());
  std::stop_source source;
  HttpRequest request = to(*server, "/");
  request.stop = source.get_token();
  std::jthread canceller([&] {
    EXPECT_TRUE(eventually([&] { return server->stats().requests_total == 1; }));
    source.request_stop();
  });
  Client client;
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(Code::gone, client.request(request).error().code);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kPatience);
  EXPECT_EQ(Code::gone, client.request(request).error().code);  // still requested
}

TEST(Client, gives_up_in_time) {
  const auto server = serve(silent());
  Client client;
  HttpRequest request = to(*server, "/");
  request.total_timeout = Duration{60};
  EXPECT_EQ(Code::timeout, client.request(request).error().code);
  request.total_timeout = kForever;
  request.idle_timeout = Duration{60};
  EXPECT_EQ(Code::timeout, client.request(request).error().code);
}

TEST(Client, who_takes_a_body_slowly_does_not_make_the_server_silent) {
  Gate taken;
  const auto server = serve([taken](Request) -> asio_response {
    Response response = reply(200);
    response.body = StreamBody([taken](Sink sink) -> asio_void {
      co_await sink.write("one ");
      co_await Gate(taken).wait(kForever, sink.caller());
      co_await sink.write("two");
    });
    co_return response;
  });
  HttpRequest request = to(*server, "/");
  request.idle_timeout = Duration{500};
  std::string body;
  request.on_data = [&](std::string_view piece) {
    // The one who takes it is as slow as nothing ever comes here.
    if (body.empty()) std::promise<void>().get_future().wait_for(2 * request.idle_timeout);
    body += piece;
    taken.notify();
    return true;
  };
  const auto response = Client().request(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ("one two", body);
}

TEST(Client, says_when_nobody_answers) {
  std::uint16_t port = 0;
  {
    const auto server = serve(echo());
    port = server->port();
  }
  HttpRequest request;
  request.url = fmt::format("http://127.0.0.1:{}/", port);
  const auto response = Client().request(request);
  EXPECT_EQ(Code::unreachable, response.error().code);
  EXPECT_FALSE(response.error().fix.empty());
}

TEST(Client, an_answer_that_breaks_off_is_no_answer) {
  const auto server = serve([](Request) -> asio_response {
    Response response = reply(200);
    response.body = StreamBody([](Sink sink) -> asio_void {
      co_await sink.write("part");
      throw std::runtime_error("broken");
    });
    co_return response;
  });
  EXPECT_EQ(Code::unreachable, Client().request(to(*server, "/")).error().code);
}

TEST(Client, refuses_bad_urls_headers_and_endless_answers) {
  const auto server = serve(mirror());
  Client client;
  for (const char* url : {"", "nonsense", "ftp://127.0.0.1/", "file:///etc/passwd", "http://"}) {
    HttpRequest request;
    request.url = url;
    const auto response = client.request(request);
    ASSERT_FALSE(response) << url;
    EXPECT_EQ(Code::invalid, response.error().code) << url;
  }
  HttpRequest request = to(*server, "/", "POST");
  request.headers = {{"X-Mine", "a\r\nX-Evil: b"}};
  EXPECT_EQ(Code::invalid, client.request(request).error().code);
  request.headers = {};
  request.body.assign(1000, 'x');
  request.max_response_bytes = 999;
  EXPECT_EQ(Code::too_large, client.request(request).error().code);
}

TEST(Client, follows_redirects_only_when_asked) {
  const auto server = serve([](Request request) -> asio_response {
    if (request.path == "/end") co_return reply(200, "text/plain", "there");
    Response response = reply(302, "text/plain", "moved");
    response.headers.add("Location", request.path == "/loop" ? "/loop" : "/end");
    co_return response;
  });
  Client client;
  HttpRequest request = to(*server, "/start");
  EXPECT_EQ(302, client.request(request)->status);
  EXPECT_EQ("moved", client.request(request)->body);
  request.redirects_max = 3;
  EXPECT_EQ(200, client.request(request)->status);
  EXPECT_EQ("there", client.request(request)->body);
  request.url = server->url() + "/loop";
  EXPECT_FALSE(client.request(request));
}

TEST(Client, speaks_over_a_unix_socket_and_ignores_proxies_for_loopback) {
  ::setenv("http_proxy", "http://127.0.0.1:9", 1);  // the discard port: nothing listens
  const auto tcp = serve(mirror());
  EXPECT_TRUE(Client().request(to(*tcp, "/")));
  const ScratchFolder folder;
  ServerOptions options;
  options.listen = "unix:" + (folder / "s");
  const auto server = serve(mirror(), options);
  HttpRequest request;
  request.url = "http://baton/over/unix";
  request.unix_socket = folder / "s";
  EXPECT_EQ(200, Client().request(request)->status);
  request.unix_socket.clear();
  EXPECT_EQ(Code::unreachable, Client().request(request).error().code);  // by the proxy
  ::unsetenv("http_proxy");
}

TEST(Client, survives_a_server_that_restarts) {
  Client client;
  ServerOptions options = local_options();
  {
    const auto server = serve(mirror(), options);
    options.listen = fmt::format("127.0.0.1:{}", server->port());
    EXPECT_EQ(200, client.request(to(*server, "/"))->status);
  }
  const auto again = serve(mirror(), options);
  HttpRequest request = to(*again, "/", "POST");
  request.body = "sent twice";
  const auto response = client.request(request);  // its kept connection is dead
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ("sent twice", response->body);
}

}  // namespace
}  // namespace baton::net
