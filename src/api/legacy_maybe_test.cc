// SPDX-License-Identifier: MIT
// The answers of /maybe, byte for byte where call-me's clients look.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "api/test_server.h"
#include "net/url.h"

namespace baton::api {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

// What call-me-client sends: its Go library's headers and nothing else.
std::string raw(TestServer& server, std::string_view method, std::string_view query,
                std::string_view key = "admin") {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.server().port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const std::string request = fmt::format(
      "{} /maybe{} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Go-http-client/1.1\r\n"
      "{}Accept: application/json\r\nX-Api-Key: {}\r\nAccept-Encoding: gzip\r\n"
      "Connection: close\r\n\r\n",
      method, query, method == "POST" ? "Content-Length: 0\r\n" : "", server.secret(key));
  EXPECT_EQ(::send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::recv(fd, buffer, sizeof buffer, 0)) > 0;)
    answer.append(buffer, static_cast<std::size_t>(n));
  ::close(fd);
  return answer;
}

void expect_empty(const std::string& answer, int status) {
  EXPECT_TRUE(answer.starts_with(fmt::format("HTTP/1.1 {} ", status))) << answer;
  EXPECT_EQ(answer.find("\r\nContent-Type"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
  const bool has_length = answer.find("Content-Length: 0\r\n") != std::string::npos;
  EXPECT_EQ(has_length, status != 204) << answer;
}

TEST(Maybe, answers_as_call_me_does) {
  TestServer server;
  const std::string uat = "?environment=uat";
  expect_empty(raw(server, "DELETE", uat), 204);
  expect_empty(raw(server, "GET", uat), 200);
  expect_empty(raw(server, "POST", uat), 201);
  expect_empty(raw(server, "GET", uat), 403);
  expect_empty(raw(server, "POST", uat), 403);
  expect_empty(raw(server, "POST", "?environment=other&environment=uat"), 403);
  expect_empty(raw(server, "DELETE", uat), 204);
  expect_empty(raw(server, "DELETE", uat), 204);
  expect_empty(raw(server, "GET", uat), 200);
  expect_empty(raw(server, "POST", "?environment=a%20name%2Fwith%2Fslashes"), 201);
}

TEST(Maybe, refuses_as_call_me_does) {
  TestServer server;
  const auto body = [&](std::string method, std::string query, net::Headers headers, int status) {
    const Reply reply = server.call(method, "/maybe" + query, "", headers);
    EXPECT_EQ(reply.status, status) << reply.text;
    EXPECT_EQ(reply.headers.get("Content-Type"), "application/json");
    return reply.text;
  };
  for (const char* query : {"", "?environment="})
    for (const char* method : {"GET", "POST", "DELETE"})
      EXPECT_EQ(body(method, query, {}, 422),
                R"({"code":602,"message":"environment in query is required"})");
  EXPECT_EQ(body("GET", "?environment=a", {{"X-API-KEY", ""}}, 401),
            R"({"code":401,"message":"unauthenticated for invalid credentials"})");
  EXPECT_EQ(body("GET", "?environment=a", {{"X-API-KEY", "wrong"}}, 401),
            R"({"code":401,"message":"incorrect api key auth"})");
  EXPECT_EQ(body("PUT", "?environment=a", {}, 405),
            R"({"code":405,"message":"method PUT is not allowed, but [GET,DELETE,POST] are"})");
  EXPECT_EQ(server.call("PUT", "/maybe").headers.get("Allow"), "GET,DELETE,POST");
  EXPECT_TRUE(raw(server, "HEAD", "?environment=a").starts_with("HTTP/1.1 405 "));
  const Reply text = server.post("/maybe?environment=a", "hello", {{"Content-Type", "text/plain"}});
  EXPECT_EQ(text.status, 415);
  EXPECT_EQ(text.integer("code"), 415);
  EXPECT_EQ(
      server.post("/maybe?environment=a", "{}", {{"Content-Type", "application/json"}}).status,
      201);
}

TEST(Maybe, a_lease_of_it_is_a_lease_like_others) {
  TestServer server({.maybe_ttl = Duration{hours(1)}});
  raw(server, "POST", "?environment=uat", "operator");
  const Reply leases = server.get("/api/v1/leases?environment=uat&state=held");
  ASSERT_EQ(leases.at("items").as_array().size(), 1U);
  EXPECT_EQ(leases.at("items").at(0).at("holder").at("name").as_string(), "operator");
  EXPECT_EQ(leases.at("items").at(0).at("holder").at("source").as_string(), "legacy");
  EXPECT_EQ(leases.at("items").at(0).at("ttl_ms").as_int64(), 3'600'000);
  server.pass(hours(1) + seconds(1));
  expect_empty(raw(server, "GET", "?environment=uat"), 200);
}

TEST(Maybe, only_frees_what_it_took) {
  TestServer server;
  const Reply held =
      server.post("/api/v1/leases", R"({"environment":"uat","holder":{"name":"deploy"}})");
  expect_empty(raw(server, "GET", "?environment=uat"), 403);
  expect_empty(raw(server, "DELETE", "?environment=uat"), 204);
  EXPECT_EQ(server.get("/api/v1/leases/" + held.string("id")).string("state"), "held");
  raw(server, "POST", "?environment=own", "admin");
  raw(server, "DELETE", "?environment=own", "operator");
  expect_empty(raw(server, "GET", "?environment=own"), 403);
}

TEST(Maybe, lasts_for_ever_where_it_is_told_so) {
  TestServer server({.maybe_ttl = Duration{0}});
  raw(server, "POST", "?environment=uat");
  server.pass(hours(10'000));
  expect_empty(raw(server, "GET", "?environment=uat"), 403);
}

TEST(Maybe, unknown_names_are_refused_where_environments_are_declared) {
  TestServer server({.auto_create_environments = false});
  for (const char* method : {"GET", "POST"}) {
    const Reply reply = server.call(method, "/maybe?environment=typo");
    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(reply.headers.get("Content-Type"), "application/json") << "no problem document";
  }
}

TEST(Maybe, held_requests_are_served_in_turn) {
  TestServer server;
  const std::string held = "?environment=uat&wait=20s";
  expect_empty(raw(server, "POST", "?environment=uat"), 201);
  auto first = std::async(std::launch::async, [&] { return raw(server, "GET", held); });
  while (server.context().watch.waiting() < 1) std::this_thread::yield();
  auto second =
      std::async(std::launch::async, [&] { return raw(server, "POST", held, "operator"); });
  while (server.context().watch.waiting() < 2) std::this_thread::yield();
  raw(server, "DELETE", "?environment=uat");
  expect_empty(first.get(), 200);
  expect_empty(raw(server, "POST", "?environment=uat", "operator"), 403);
  expect_empty(raw(server, "POST", "?environment=uat"), 201);
  server.pass(seconds(60));
  expect_empty(raw(server, "GET", "?environment=uat"), 403);
  raw(server, "DELETE", "?environment=uat");
  second.get();
}

TEST(Maybe, what_was_kept_for_a_client_that_went_is_free_again) {
  TestServer server({.maybe_hold = Duration{1'000}});
  expect_empty(raw(server, "GET", "?environment=uat"), 200);
  server.pass(seconds(6));
  expect_empty(raw(server, "POST", "?environment=uat", "operator"), 201);
  expect_empty(raw(server, "GET", "?environment=uat&wait=10ms"), 403);
  EXPECT_EQ(server.get("/api/v1/leases?state=queued").at("items").as_array().size(), 0U);
}

}  // namespace
}  // namespace baton::api
