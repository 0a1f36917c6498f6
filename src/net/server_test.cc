// SPDX-License-Identifier: MIT
#include "net/server.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "net/test_support.h"

namespace baton::net {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

std::string post(std::string_view path, std::string_view body, std::string_view fields = "") {
  return fmt::format("POST {} HTTP/1.1\r\nHost: h\r\n{}Content-Length: {}\r\n\r\n{}", path, fields,
                     body.size(), body);
}

TEST(Server, answers_with_date_length_and_request_id) {
  const auto server = serve(echo());
  RawClient client(server->port());
  client.send(kGet);
  const std::string response = client.read_response();
  EXPECT_EQ(200, status_of(response));
  EXPECT_EQ("GET / ", body_of(response));
  EXPECT_NE(std::string::npos, response.find("\r\nDate: "));
  EXPECT_NE(std::string::npos, response.find("\r\nX-Request-Id: req_"));
  EXPECT_EQ(std::string::npos, response.find("Connection:"));
  EXPECT_EQ(fmt::format("http://127.0.0.1:{}", server->port()), server->url());
}

TEST(Server, echoes_a_sane_request_id_only) {
  const auto server = serve(echo());
  RawClient client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\nX-Request-Id: ci-42/a:b\r\n\r\n");
  EXPECT_NE(std::string::npos, client.read_response().find("X-Request-Id: ci-42/a:b\r\n"));
  client.send("GET / HTTP/1.1\r\nHost: h\r\nX-Request-Id: a b<script>\r\n\r\n");
  EXPECT_NE(std::string::npos, client.read_response().find("X-Request-Id: req_"));
}

TEST(Server, keeps_the_connection_and_answers_pipelined_requests_in_order) {
  const auto server = serve(echo());
  RawClient client(server->port());
  std::string all;
  for (int i = 0; i < 50; ++i) all += post(fmt::format("/{}", i), "body");
  client.send(all);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(fmt::format("POST /{} body", i), body_of(client.read_response()));
  }
  EXPECT_EQ(1U, server->stats().connections_total);
  EXPECT_EQ(50U, server->stats().requests_total);
}

TEST(Server, takes_requests_byte_by_byte) {
  const auto server = serve(echo());
  RawClient client(server->port());
  client.send_slowly(post("/slow", "12345"));
  EXPECT_EQ("POST /slow 12345", body_of(client.read_response()));
  client.send_slowly(
      "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  EXPECT_EQ("POST /c abc", body_of(client.read_response()));
}

TEST(Server, head_has_the_headers_of_get_and_no_body) {
  const auto server = serve(echo());
  RawClient client(server->port());
  client.send("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string head = client.read_response(true);
  EXPECT_NE(std::string::npos, head.find("Content-Length: 8\r\n"));
  client.send(kGet);
  EXPECT_EQ("GET / ", body_of(client.read_response()));
}

TEST(Server, a_status_without_body_sends_none) {
  const auto server = serve([](Request) -> asio_response {
    Response response = reply(204);
    response.body = std::string{"ignored"};
    co_return response;
  });
  RawClient client(server->port());
  client.send(std::string{kGet} + std::string{kGet});
  for (int i = 0; i < 2; ++i) {
    const std::string head = client.read_response();
    EXPECT_EQ(204, status_of(head));
    EXPECT_EQ(std::string::npos, head.find("Content-Length"));
  }
}

TEST(Server, http_1_0_is_answered_and_closed) {
  const auto server = serve(echo());
  RawClient client(server->port());
  client.send("GET / HTTP/1.0\r\n\r\n");
  const std::string response = client.read_to_end();
  EXPECT_EQ("GET / ", body_of(response));
  EXPECT_NE(std::string::npos, response.find("Connection: close\r\n"));
}

TEST(Server, closes_when_the_client_or_the_handler_wishes) {
  const auto server = serve([](Request request) -> asio_response {
    Response response = reply(200, "text/plain", "x");
    response.close = request.path == "/close";
    co_return response;
  });
  RawClient first(server->port());
  first.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ("x", body_of(first.read_to_end()));
  RawClient second(server->port());
  second.send("GET /close HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ("x", body_of(second.read_to_end()));
}

TEST(Server, says_100_continue_before_it_reads_the_body) {
  const auto server = serve(echo());
  RawClient client(server->port());
  client.send("POST /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ("HTTP/1.1 100 Continue\r\n\r\n", client.read_until("\r\n\r\n"));
  client.send("abc");
  EXPECT_EQ("POST /e abc", body_of(client.read_response()));
}

TEST(Server, refuses_a_body_beyond_the_limit) {
  const Admit small = [](const RequestHead&) { return Admission{.body = {.max_bytes = 10}}; };
  const auto server = serve(echo(), local_options(), small);
  for (const std::string& request :
       {post("/", "12345678901"),
        std::string("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n")}) {
    RawClient client(server->port());
    client.send(request);
    const std::string response = client.read_to_end();
    EXPECT_EQ(413, status_of(response));
    EXPECT_NE(std::string::npos, body_of(response).find("\"code\":\"too_large\""));
  }
  RawClient client(server->port());
  client.send(post("/", "1234567890"));
  EXPECT_EQ(200, status_of(client.read_response()));
}

TEST(Server, refuses_before_the_body_is_read) {
  std::atomic<int> handled{0};
  const Admit guard = [](const RequestHead& head) {
    Admission admission;
    if (head.headers.get("Authorization") != "yes") admission.refusal = reply(401);
    admission.context = std::string{"who"};
    return admission;
  };
  const auto server = serve(
      [&handled](Request request) -> asio_response {
        ++handled;
        co_return reply(200, "text/plain", std::any_cast<std::string>(request.context));
      },
      local_options(), guard);
  RawClient client(server->port());
  client.send(
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 999999\r\n\r\n");
  EXPECT_EQ(401, status_of(client.read_to_end()));
  EXPECT_EQ(0, handled);
  RawClient again(server->port());
  again.send(kGet);  // without a body the connection stays
  EXPECT_EQ(401, status_of(again.read_response(true)));
  again.send("GET / HTTP/1.1\r\nHost: h\r\nAuthorization: yes\r\n\r\n");
  EXPECT_EQ("who", body_of(again.read_response()));
}

TEST(Server, an_upload_that_is_refused_still_reads_its_answer) {
  const auto server = serve(echo());
  RawClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n");
  const std::string block(64 * 1024, 'x');
  for (int i = 0; i < 64; ++i) client.send(block);
  EXPECT_EQ(413, status_of(client.read_response()));
}

TEST(Server, spills_a_large_body_to_a_file_without_a_name) {
  const ScratchFolder folder;
  const Admit spill = [&folder](const RequestHead&) {
    return Admission{.body = {.max_bytes = 64 << 20, .spill = true, .spill_folder = folder.path()}};
  };
  const auto server = serve(
      [](Request request) -> asio_response {
        EXPECT_TRUE(request.body.empty());
        std::string start(5, '\0');
        EXPECT_EQ(5, ::read(request.spilled->file.get(), start.data(), 5));
        co_return reply(200, "text/plain", fmt::format("{} {}", request.spilled->size, start));
      },
      local_options(), spill);
  const std::string body = "start" + std::string(5'000'000, 'x');
  RawClient client(server->port());
  client.send(post("/", body) + std::string{post("/", "small")});
  EXPECT_EQ("5000005 start", body_of(client.read_response()));
  EXPECT_EQ("5 small", body_of(client.read_response()));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Server, a_full_or_missing_spill_folder_is_unavailable) {
  const Admit spill = [](const RequestHead&) {
    return Admission{.body = {.spill = true, .spill_folder = "/nonexistent"}};
  };
  const auto server = serve(echo(), local_options(), spill);
  RawClient client(server->port());
  client.send(post("/", "abc"));
  EXPECT_EQ(503, status_of(client.read_to_end()));
}

TEST(Server, a_handler_that_throws_is_a_500_and_the_connection_goes_on) {
  const auto server = serve([](Request request) -> asio_response {
    if (request.path == "/std") throw std::runtime_error("secret detail");
    if (request.path == "/other") throw 7;
    co_return reply(200, "text/plain", "fine");
  });
  RawClient client(server->port());
  for (const char* path : {"/std", "/other"}) {
    client.send(fmt::format("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", path));
    const std::string response = client.read_response();
    EXPECT_EQ(500, status_of(response));
    EXPECT_NE(std::string::npos, response.find("application/problem+json"));
    EXPECT_EQ(std::string::npos, response.find("secret"));
  }
  client.send(kGet);
  EXPECT_EQ("fine", body_of(client.read_response()));
}

TEST(Server, sends_a_part_of_a_file) {
  const ScratchFolder folder;
  const std::string path = folder / "data";
  std::string content;
  for (int i = 0; i < 300'000; ++i) content += std::to_string(i);
  std::ofstream(path) << content;
  const auto server = serve([&](Request request) -> asio_response {
    Response response = reply(200);
    const bool cut = request.path == "/cut";
    response.body =
        FileBody{Fd{::open(path.c_str(), O_RDONLY)}, 7, content.size() - (cut ? 0 : 10)};
    co_return response;
  });
  RawClient client(server->port());
  client.send(kGet);
  EXPECT_EQ(content.substr(7, content.size() - 10), body_of(client.read_response()));
  client.send("GET /cut HTTP/1.1\r\nHost: h\r\n\r\n");  // 7 bytes are missing
  EXPECT_EQ(content.size() - 7, body_of(client.read_to_end()).size());
}

TEST(Server, large_responses_arrive_whole) {
  const std::string body(20 << 20, 'z');
  const auto server =
      serve([&](Request) -> asio_response { co_return reply(200, "text/plain", body); });
  RawClient client(server->port());
  client.send(kGet);
  EXPECT_EQ(body.size(), body_of(client.read_response()).size());
}

TEST(Server, listens_on_a_unix_socket) {
  const ScratchFolder folder;
  ServerOptions options;
  options.listen = "unix:" + (folder / "sock");
  {
    const auto server = serve(echo(), options);
    EXPECT_EQ(options.listen, server->url());
    struct stat status {};
    EXPECT_EQ(0, ::stat((folder / "sock").c_str(), &status));
    EXPECT_EQ(0600U, status.st_mode & 0777);
    RawClient client(folder / "sock");
    client.send(kGet);
    EXPECT_EQ("GET / ", body_of(client.read_response()));
    Server second(options, echo());
    EXPECT_EQ(Code::conflict, second.start().error().code);
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "sock"));
}

TEST(Server, takes_over_the_unix_socket_of_a_killed_server_but_no_other_file) {
  const ScratchFolder folder;
  ServerOptions options;
  options.listen = "unix:" + (folder / "file");
  std::ofstream(folder / "file") << "precious";
  EXPECT_EQ(Code::conflict, Server(options, echo()).start().error().code);
  EXPECT_TRUE(std::filesystem::exists(folder / "file"));
}

TEST(Server, states_why_it_cannot_listen) {
  const auto server = serve(echo());
  ServerOptions options;
  options.listen = fmt::format("127.0.0.1:{}", server->port());
  const auto used = Server(options, echo()).start();
  EXPECT_EQ(Code::conflict, used.error().code);
  EXPECT_FALSE(used.error().fix.empty());
  for (const char* listen : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000",
                             "::1:80", "192.0.2.1:0", "no such host:1", "unix:"}) {
    options.listen = listen;
    const auto started = Server(options, echo()).start();
    ASSERT_FALSE(started) << listen;
    EXPECT_EQ(Code::invalid, started.error().code) << listen << started.error().message;
  }
}

TEST(Server, listens_on_ipv6) {
  ServerOptions options;
  options.listen = "[::1]:0";
  Server server(options, echo());
  const auto started = server.start();
  if (!started) GTEST_SKIP() << started.error().message;
  EXPECT_EQ(fmt::format("http://[::1]:{}", server.port()), server.url());
}

TEST(Server, tells_the_observer_what_was_served) {
  std::atomic<int> count{0};
  Server server(local_options(), echo());
  server.on_served([&](const Served& served) {
    if (served.status == 200 && served.target == "/a?b" && served.method == "GET" &&
        served.body_bytes == 7 && served.complete && served.peer.starts_with("127.0.0.1:")) {
      ++count;
    }
    if (served.status == 400 && served.method.empty()) ++count;
  });
  ASSERT_TRUE(server.start());
  RawClient client(server.port());
  client.send("GET /a?b HTTP/1.1\r\nHost: h\r\n\r\nnonsense\r\n\r\n");
  client.read_to_end();
  EXPECT_TRUE(eventually([&] { return count == 2; }));
}

TEST(Server, answers_many_connections_on_several_threads) {
  ServerOptions options = local_options();
  options.threads = 3;
  const auto server = serve(echo(), options);
  std::atomic<int> good{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::vector<std::unique_ptr<RawClient>> clients;
      for (int i = 0; i < 50; ++i) clients.push_back(std::make_unique<RawClient>(server->port()));
      for (int round = 0; round < 10; ++round) {
        for (auto& client : clients) client->send(post("/x", std::to_string(t)));
        for (auto& client : clients) {
          if (body_of(client->read_response()) == fmt::format("POST /x {}", t)) ++good;
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(2000, good);
  EXPECT_TRUE(eventually([&] { return server->stats().connections_open == 0; }));
}

}  // namespace
}  // namespace baton::net
