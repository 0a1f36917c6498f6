// SPDX-License-Identifier: MIT
// Responses that take long: streams, long polls, clients that leave, draining.
#include <sys/socket.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "net/sse.h"
#include "net/test_support.h"

namespace baton::net {
namespace {

using asio_void = boost::asio::awaitable<void>;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

Response stream(StreamBody body) {
  Response response = reply(200);
  response.headers.add("Content-Type", "text/event-stream");
  response.body = std::move(body);
  return response;
}

TEST(Stream, chunks_leave_as_they_are_written_and_the_connection_goes_on) {
  Gate go;
  const auto server = serve([&go](Request) -> asio_response {
    co_return stream([&go](Sink sink) -> asio_void {
      co_await sink.write("first");
      co_await go.wait();
      co_await sink.write("");
      co_await sink.write("second");
    });
  });
  RawClient client(server->port());
  client.send(kGet);
  EXPECT_NE(std::string::npos, client.read_until("5\r\nfirst\r\n").find("chunked"));
  go.notify();
  EXPECT_EQ("6\r\nsecond\r\n0\r\n\r\n", client.read_until("0\r\n\r\n"));
  go.notify();
  client.send(kGet);
  EXPECT_NE("", client.read_until("second\r\n0\r\n\r\n"));
}

TEST(Stream, events_reach_a_parser) {
  const auto server = serve([](Request) -> asio_response {
    co_return stream([](Sink sink) -> asio_void {
      for (int i = 0; i < 100; ++i) {
        co_await sink.write(sse_format({"log", fmt::format("line\n{}", i), std::to_string(i)}));
      }
    });
  });
  RawClient client(server->port());
  client.send("GET / HTTP/1.0\r\n\r\n");  // no chunks: the body is the rest
  const std::string response = client.read_to_end();
  int count = 0;
  SseParser parser([&](const SseEvent& event) {
    EXPECT_EQ(fmt::format("line\n{}", count), event.data);
    ++count;
  });
  EXPECT_TRUE(parser.feed(body_of(response)));
  EXPECT_EQ(100, count);
}

TEST(Stream, head_does_not_run_the_stream) {
  const auto server = serve([](Request) -> asio_response {
    co_return stream([](Sink) -> asio_void {
      ADD_FAILURE();
      co_return;
    });
  });
  RawClient client(server->port());
  client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(200, status_of(client.read_response(true)));
}

TEST(Stream, a_stream_that_throws_is_cut_without_an_end) {
  const auto server = serve([](Request) -> asio_response {
    co_return stream([](Sink sink) -> asio_void {
      co_await sink.write("some");
      throw std::runtime_error("broken");
    });
  });
  RawClient client(server->port());
  client.send(kGet);
  const std::string response = client.read_to_end();
  EXPECT_EQ("4\r\nsome\r\n", body_of(response));
}

TEST(Stream, a_parked_stream_learns_that_the_client_went) {
  Gate gone;
  const auto server = serve([&gone](Request) -> asio_response {
    co_return stream([&gone](Sink sink) -> asio_void {
      co_await sink.write("x");
      co_await sink.wait_gone();
      EXPECT_TRUE(sink.gone());
      const bool written = co_await sink.write("y");
      EXPECT_FALSE(written);
      gone.notify();
    });
  });
  {
    RawClient client(server->port());
    client.send(kGet);
    client.read_until("x\r\n");
  }
  EXPECT_TRUE(eventually([&] { return server->stats().connections_open == 0; }));
}

TEST(Stream, a_reader_that_does_not_read_is_disconnected) {
  ServerOptions options = local_options();
  options.limits.write_stall = Duration{200};
  std::atomic<std::size_t> written{0};
  std::atomic<bool> ended{false};
  const auto server = serve(
      [&](Request) -> asio_response {
        co_return stream([&](Sink sink) -> asio_void {
          const std::string block(64 * 1024, 'x');
          bool alive = true;
          while (alive) {
            alive = co_await sink.write(block);
            written += block.size();
          }
          ended = true;
        });
      },
      options);
  RawClient client(server->port());
  client.send(kGet);
  EXPECT_TRUE(eventually([&] { return ended.load(); }));
  EXPECT_TRUE(eventually([&] { return server->stats().connections_open == 0; }));
  EXPECT_LT(written, 64U << 20);  // what the kernel takes, nothing more
  EXPECT_EQ(1U, server->stats().timeouts);
}

/// Parks until told; says how it was woken.
Handler poll_handler(Gate& gate, std::atomic<int>& parked, std::atomic<int>& went,
                     Duration limit = kForever) {
  return [&gate, &parked, &went, limit](Request request) -> asio_response {
    ++parked;
    const Wake why = co_await gate.wait(limit, request.caller);
    --parked;
    if (why == Wake::gone) ++went;
    const char* text = why == Wake::notified ? "notified" : "timed out";
    co_return reply(200, "text/plain", why == Wake::draining ? "draining" : text);
  };
}

struct Poll {
  Gate gate;
  std::atomic<int> parked{0};
  std::atomic<int> went{0};
};

TEST(Stream, a_long_poll_is_answered_by_another_thread_or_by_time) {
  Poll poll;
  const auto server = serve(poll_handler(poll.gate, poll.parked, poll.went));
  RawClient client(server->port());
  client.send(kGet);
  EXPECT_TRUE(eventually([&] { return poll.parked == 1; }));
  poll.gate.notify();
  EXPECT_EQ("notified", body_of(client.read_response()));
  const auto quick = serve(poll_handler(poll.gate, poll.parked, poll.went, Duration{20}));
  RawClient other(quick->port());
  other.send(kGet);
  EXPECT_EQ("timed out", body_of(other.read_response()));
}

TEST(Stream, a_long_poll_outlives_every_time_out_of_the_connection) {
  ServerOptions options = local_options();
  options.limits.header_timeout = options.limits.idle_timeout = options.limits.write_stall =
      options.limits.body_grace = Duration{30};
  Poll poll;
  const auto server =
      serve(poll_handler(poll.gate, poll.parked, poll.went, Duration{400}), options);
  RawClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_EQ("timed out", body_of(client.read_response()));
}

TEST(Stream, a_long_poll_learns_that_the_client_went) {
  std::atomic<int> parked{0};
  std::atomic<int> went{0};
  const auto server = serve([&](Request request) -> asio_response {
    Gate own;
    ++parked;
    const Wake why = co_await own.wait(kForever, request.caller);
    if (why == Wake::gone) ++went;
    co_return reply(200);
  });
  RawClient polite(server->port());
  RawClient rude(server->port());
  polite.send(kGet);
  rude.send(kGet);
  EXPECT_TRUE(eventually([&] { return parked == 2; }));
  polite.close();
  rude.reset();
  EXPECT_TRUE(eventually([&] { return went == 2; }));
  EXPECT_TRUE(eventually([&] { return server->stats().connections_open == 0; }));
}

TEST(Stream, what_a_client_sends_ahead_does_not_hide_that_it_went) {
  std::atomic<int> went{0};
  std::atomic<int> asked{0};
  const auto server = serve([&](Request request) -> asio_response {
    Gate own;
    ++asked;
    const Wake why = co_await own.wait(kForever, request.caller);
    if (why == Wake::gone) ++went;
    co_return reply(200);
  });
  RawClient client(server->port());
  client.send(kGet);
  EXPECT_TRUE(eventually([&] { return asked == 1; }));
  client.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
  client.close();
  EXPECT_TRUE(eventually([&] { return went == 1; }));
  EXPECT_TRUE(eventually([&] { return server->stats().connections_open == 0; }));
}

TEST(Stream, what_a_client_sends_ahead_is_answered_next) {
  std::atomic<int> asked{0};
  Gate gate;
  const auto server = serve([&](Request request) -> asio_response {
    ++asked;
    if (request.path == "/") co_await gate.wait(kForever, request.caller);
    co_return reply(200, "text/plain", request.path);
  });
  RawClient client(server->port());
  client.send(kGet);
  EXPECT_TRUE(eventually([&] { return asked == 1; }));
  client.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
  gate.notify();
  EXPECT_EQ("/", body_of(client.read_response()));
  EXPECT_EQ("/next", body_of(client.read_response()));
}

TEST(Stream, thousands_of_long_polls_wait_together) {
  constexpr int kMany = 1'000;
  std::mutex mutex;
  std::vector<Gate> gates;
  const auto server = serve([&](Request request) -> asio_response {
    Gate gate;
    {
      const std::lock_guard lock(mutex);
      gates.push_back(gate);
    }
    co_await gate.wait(kForever, request.caller);
    co_return reply(200, "text/plain", "done");
  });
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < kMany; ++i) {
    clients.push_back(std::make_unique<RawClient>(server->port()));
    clients.back()->send(kGet);
  }
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return gates.size() == kMany;
  }));
  std::jthread waker([&] {
    for (const Gate& gate : gates) gate.notify();
  });
  for (auto& client : clients) EXPECT_EQ("done", body_of(client->read_response()));
}

TEST(Stream, draining_answers_those_who_wait_and_lets_requests_end) {
  Poll poll;
  Gate finish;
  std::atomic<int> working{0};
  const Handler wait = poll_handler(poll.gate, poll.parked, poll.went);
  const auto server = serve([&](Request request) -> asio_response {
    if (request.path == "/wait") {
      Response waited = co_await wait(std::move(request));
      co_return waited;
    }
    ++working;
    co_await finish.wait();  // without its caller: it is not cut short
    co_return reply(200, "text/plain", "finished");
  });
  RawClient idle(server->port());
  RawClient waiting(server->port());
  RawClient busy(server->port());
  waiting.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  busy.send(kGet);
  EXPECT_TRUE(eventually([&] { return poll.parked == 1 && working == 1; }));
  EXPECT_FALSE(server->drain(Duration{50}));
  EXPECT_TRUE(idle.is_closed_by_server());
  const std::string answer = waiting.read_to_end();
  EXPECT_EQ("draining", body_of(answer));
  EXPECT_NE(std::string::npos, answer.find("Connection: close\r\n"));
  finish.notify();
  EXPECT_EQ("finished", body_of(busy.read_to_end()));
  EXPECT_TRUE(server->drain(Duration{20'000}));
}

TEST(Stream, who_comes_while_it_drains_gets_one_answer) {
  Gate finish;
  std::atomic<int> working{0};
  const auto server = serve([&](Request request) -> asio_response {
    if (request.path == "/readyz")
      co_return reply(503, "text/plain", request.caller.draining() ? "draining" : "ready");
    ++working;
    co_await finish.wait();
    co_return reply(200, "text/plain", "finished");
  });
  RawClient busy(server->port());
  busy.send(kGet);
  EXPECT_TRUE(eventually([&] { return working == 1; }));
  std::jthread drain([&] { EXPECT_TRUE(server->drain(Duration{20'000})); });
  constexpr std::string_view kReady = "GET /readyz HTTP/1.1\r\nHost: h\r\n\r\n";
  std::string answer;
  EXPECT_TRUE(eventually([&] {
    RawClient late(server->port());
    late.send(kReady);
    answer = late.read_to_end();
    return body_of(answer) == "draining";
  }));
  EXPECT_NE(std::string::npos, answer.find("Connection: close\r\n"));
  RawClient silent(server->port());  // does not hold the drain
  finish.notify();
  EXPECT_EQ("finished", body_of(busy.read_to_end()));
  drain.join();
  EXPECT_TRUE(silent.is_closed_by_server());
}

TEST(Stream, draining_ends_event_streams) {
  const auto server = serve([](Request) -> asio_response {
    co_return stream([](Sink sink) -> asio_void {
      co_await sink.write("hello");
      Gate nothing;
      const Wake why = co_await nothing.wait(kForever, sink.caller());
      EXPECT_EQ(Wake::draining, why);
      const Wake again = co_await nothing.wait(kForever, sink.caller());
      EXPECT_EQ(Wake::draining, again);
      co_await sink.write("bye");
    });
  });
  RawClient client(server->port());
  client.send(kGet);
  client.read_until("hello\r\n");
  EXPECT_TRUE(server->drain(Duration{20'000}));
  EXPECT_EQ("3\r\nbye\r\n0\r\n\r\n", client.read_to_end());
}

TEST(Stream, stopping_cuts_what_is_left_and_handlers_end_first) {
  std::atomic<int> ended{0};
  std::atomic<int> begun{0};
  auto server = serve([&](Request request) -> asio_response {
    ++begun;
    Gate nothing;
    Wake why = Wake::notified;
    while (why != Wake::gone) {  // deaf to draining
      why = request.caller.gone() ? Wake::gone : Wake::notified;
      co_await sleep_for(Duration{5});
    }
    ++ended;
    co_return reply(200);
  });
  RawClient client(server->port());
  client.send(kGet);
  EXPECT_TRUE(eventually([&] { return begun == 1; }));
  server->stop();
  EXPECT_EQ(1, ended);
  EXPECT_TRUE(client.is_closed_by_server());
}

}  // namespace
}  // namespace baton::net
