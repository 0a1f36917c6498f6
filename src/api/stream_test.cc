// SPDX-License-Identifier: MIT
// Logs, artifacts and event streams: what a runner sends and what readers see.
#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

#include <thread>

#include "api/pieces.h"
#include "api/run_events.h"
#include "api/test_server.h"

namespace baton::api {
namespace {

using model::Outcome;

std::vector<std::string> kinds(const std::vector<net::SseEvent>& events) {
  std::vector<std::string> out;
  for (const net::SseEvent& event : events) out.push_back(event.event);
  return out;
}

TEST(Streams, a_finished_run_is_replayed_from_the_first_event) {
  TestServer server;
  const auto id = server.start_run();
  Runner(server, id).play({{"a", Outcome::passed}});
  const std::string path = fmt::format("/api/v1/runs/{}/events", id);
  const auto events = server.events(path);
  EXPECT_EQ(kinds(events), (std::vector<std::string>{"attempt_started", "log", "attempt_finished",
                                                     "run_finished"}));
  const auto log = boost::json::parse(events[1].data);
  EXPECT_EQ(log.at("test").as_string(), "a");
  EXPECT_EQ(log.at("line").as_int64(), 1);
  EXPECT_EQ(log.at("text").as_string(), "hello from a 1");
  const auto rest = server.events(path, {{"Last-Event-ID", events[1].id}});
  EXPECT_EQ(kinds(rest), (std::vector<std::string>{"attempt_finished", "run_finished"}));
  EXPECT_EQ(server.get(path, {{"Last-Event-ID", std::string{kEndId}}}).status, 204);
  EXPECT_EQ(server.get(path, {{"Last-Event-ID", "x"}}).status, 400);
}

TEST(Streams, the_output_is_left_out_where_nobody_wants_it) {
  TestServer server;
  const auto id = server.start_run();
  Runner(server, id).play({{"a", Outcome::passed}});
  const std::string path = fmt::format("/api/v1/runs/{}/events?logs=", id);
  const auto events = server.events(path + "false");
  EXPECT_EQ(kinds(events),
            (std::vector<std::string>{"attempt_started", "attempt_finished", "run_finished"}));
  const auto rest = server.events(path + "false", {{"Last-Event-ID", events[0].id}});
  EXPECT_EQ(kinds(rest), (std::vector<std::string>{"attempt_finished", "run_finished"}));
  EXPECT_EQ(server.events(path + "true").size(), 4U);
  EXPECT_EQ(server.get(path + "some").status, 400);
}

TEST(Streams, lines_arrive_live_and_resume_within_a_chunk) {
  TestServer server;
  const auto id = server.start_run();
  Runner runner(server, id);
  const std::string path = fmt::format("/api/v1/runs/{}/events", id);
  wire::PlanRecord plan;
  plan.cases.emplace_back().name = "a";
  std::vector<net::SseEvent> seen;
  std::atomic<int> lines = 0;
  std::chrono::steady_clock::time_point arrived;
  std::thread reader([&] {
    seen = server.events(path, {}, [&](const net::SseEvent& event) {
      arrived = std::chrono::steady_clock::now();
      return event.event == "log" && ++lines == 3;
    });
  });
  while (server.context().open_streams == 0) std::this_thread::yield();
  runner.send({plan, wire::AttemptStarted{"a", 1, from_ms(1)}});
  const auto sent = std::chrono::steady_clock::now();
  runner.send({output("a", 1, "one\ntwo\nthr\xff\n")});
  reader.join();
  // 50 ms on an idle machine; this one may be running a whole build.
  EXPECT_LT(arrived - sent, std::chrono::seconds(5));
  ASSERT_EQ(seen.size(), 4U);
  EXPECT_NE(seen[3].data.find("\xEF\xBF\xBD"), std::string::npos);
  const auto rest = server.events(path, {{"Last-Event-ID", seen[2].id}},
                                  [](const net::SseEvent&) { return true; });
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].data, seen[3].data);
  EXPECT_EQ(rest[0].id, seen[3].id);
}

TEST(Streams, a_quiet_stream_beats) {
  TestServer server({.heartbeat = Duration{20}});
  const auto id = server.start_run();
  net::Client client;
  net::HttpRequest request;
  request.url = fmt::format("{}/api/v1/runs/{}/events", server.url(), id);
  request.headers = {{"X-API-KEY", server.secret("viewer")}};
  request.total_timeout = Duration{30'000};
  std::string text;
  bool beat_twice = false;
  request.on_data = [&](std::string_view piece) {
    text += piece;
    const std::size_t first = text.find(": heartbeat");
    beat_twice = first != std::string::npos && text.find(": heartbeat", first + 1) != text.npos;
    return !beat_twice;
  };
  static_cast<void>(client.request(request));
  EXPECT_TRUE(beat_twice) << text;
}

TEST(Streams, draining_says_bye) {
  TestServer server;
  const auto id = server.start_run();
  std::vector<net::SseEvent> seen;
  std::thread reader([&] { seen = server.events(fmt::format("/api/v1/runs/{}/events", id)); });
  while (server.context().open_streams == 0) std::this_thread::yield();
  server.server().drain(Duration{10'000});
  reader.join();
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back().event, "bye");
  EXPECT_EQ(server.context().open_streams, 0);
}

TEST(Streams, beyond_the_limit_a_stream_is_refused) {
  TestServer server({.streams_max = 0});
  const auto id = server.start_run();
  const Reply refused = server.get(fmt::format("/api/v1/runs/{}/events", id));
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.headers.get("Retry-After"), "");
}

TEST(RunEvents, a_line_in_pieces_keeps_its_number) {
  store::StreamEntry entry;
  entry.ordinal = 7;
  entry.test = "a";
  entry.attempt = 1;
  entry.first_line = 4;
  entry.lines = 1;  // "tail\n" ends line 3, "next" starts line 4
  entry.payload = "tail\nnext";
  entry.raw_size = 9;
  const auto text = events_of(entry, {});
  ASSERT_TRUE(text);
  EXPECT_NE(text->find(R"("line":3,"text":"tail","continued":true)"), std::string::npos) << *text;
  EXPECT_NE(text->find(R"("line":4,"text":"next"})"), std::string::npos) << *text;
}

TEST(Logs, are_the_bytes_as_written_by_range_and_by_line) {
  TestServer server;
  const auto id = server.start_run();
  Runner runner(server, id);
  wire::PlanRecord plan;
  plan.cases.emplace_back().name = "a b/ü";
  const std::string bytes = std::string("one\ntwo\0\xff\nthree\n", 16);
  runner.send({plan, wire::AttemptStarted{"a b/ü", 1, from_ms(1)}, output("a b/ü", 1, bytes)});
  const std::string path = fmt::format("/api/v1/runs/{}/log?test=a%20b%2F%C3%BC", id);
  const Reply whole = server.get(path);
  EXPECT_EQ(whole.text, bytes);
  EXPECT_EQ(whole.headers.get("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(server.get(fmt::format("/api/v1/runs/{}/log", id)).text, bytes);
  const Reply part = server.get(path, {{"Range", "bytes=4-6"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.text, "two");
  EXPECT_EQ(part.headers.get("Content-Range"), fmt::format("bytes 4-6/{}", bytes.size()));
  EXPECT_EQ(server.get(path, {{"Range", "bytes=99-"}}).status, 416);
  EXPECT_EQ(server.get(path + "&from_line=3&lines=1").text, "three\n");
  EXPECT_EQ(server.get(path + "&from_line=3").text, "three\n");
  EXPECT_EQ(server.get(path + "&lines=1").text, "one\n");
  EXPECT_EQ(server.get(path + "&from_line=0").status, 400);
  EXPECT_EQ(server.get(path + "&attempt=2").status, 404);
  EXPECT_EQ(server.get(fmt::format("/api/v1/runs/{}/log?test=nope", id)).status, 404);
}

TEST(Pieces, a_body_that_breaks_off_is_not_taken_for_whole) {
  TestServer server;
  net::Server other({.listen = "127.0.0.1:0"},
                    [&](net::Request request) -> boost::asio::awaitable<net::Response> {
                      const bool breaks = request.path == "/breaks";
                      NextPiece next = [breaks, count = 0]() mutable -> Result<std::string> {
                        if (++count < 3) return std::string("some");
                        if (breaks) return fail(Code::unavailable, "the disk is gone");
                        return std::string{};
                      };
                      co_return pieces_reply(server.context(), "text/plain", std::move(next));
                    });
  ASSERT_TRUE(other.start());
  net::Client client;
  net::HttpRequest request;
  request.url = other.url() + "/whole";
  EXPECT_EQ(client.request(request)->body, "somesome");
  request.url = other.url() + "/breaks";
  EXPECT_FALSE(client.request(request));
}

TEST(Artifacts, are_served_as_hostile_files) {
  TestServer server;
  const auto id = server.start_run();
  Runner runner(server, id);
  wire::PlanRecord plan;
  plan.cases.emplace_back().name = "a";
  runner.send({plan, wire::AttemptStarted{"a", 1, from_ms(1)}});
  const Reply stored = runner.put_artifact("out/x.html", "<script>", "a", 1, "text/html");
  ASSERT_EQ(stored.status, 200) << stored.text;
  wire::ArtifactRecord record;
  record.test = "a";
  record.attempt = 1;
  record.path = "out/x.html";
  record.size = stored.integer("size");
  record.content_type = stored.string("type");
  record.digest = stored.string("digest");
  EXPECT_EQ(runner.send({record}).status, 200);
  const std::string path = fmt::format("/api/v1/runs/{}/artifacts", id);
  const Reply list = server.get(path);
  ASSERT_EQ(list.at("items").as_array().size(), 1U) << list.text;
  EXPECT_EQ(list.at("items").at(0).at("path").as_string(), "out/x.html");
  const Reply file = server.get(path + "/out/x.html");
  EXPECT_EQ(file.text, "<script>");
  EXPECT_EQ(file.headers.get("Content-Security-Policy"), "sandbox; default-src 'none'");
  EXPECT_EQ(file.headers.get("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(file.headers.get("Content-Disposition").find("attachment"), 0U);
  const std::string etag{file.headers.get("ETag")};
  EXPECT_EQ(server.get(path + "/out/x.html", {{"If-None-Match", etag}}).status, 304);
  const Reply part = server.get(path + "/out/x.html", {{"Range", "bytes=1-3"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.text, "scr");
  EXPECT_EQ(server.get(path + "/nope").status, 404);
  for (const char* bad : {"..%2fx", "a/..%2f..%2fx", "%2fetc%2fpasswd", "a%5cb", "a%00b"}) {
    const int status = server.get(path + "/" + bad).status;
    EXPECT_TRUE(status == 400 || status == 404) << bad << status;
    EXPECT_EQ(runner.put_artifact(bad, "x", "a", 1).status, 400) << bad;
  }
}

TEST(RunnerRoutes, a_batch_may_come_twice_and_an_old_epoch_may_not_speak) {
  TestServer server;
  const auto id = server.start_run();
  Runner runner(server, id);
  wire::PlanRecord plan;
  plan.cases.emplace_back().name = "a";
  std::string body;
  wire::append_record(body, wire::Record{1, plan, 0, 0});
  wire::append_record(body, wire::Record{2, wire::AttemptStarted{"a", 1, from_ms(1)}, 0, 0});
  wire::append_record(body, wire::Record{3, output("a", 1, "x\n"), 0, 0});
  EXPECT_EQ(runner.send_raw(body).integer("acked"), 3);
  EXPECT_EQ(runner.send_raw(body).integer("acked"), 3);
  EXPECT_EQ(server.get(fmt::format("/api/v1/runs/{}/log", id)).text, "x\n");
  EXPECT_EQ(runner.send_raw(body.substr(0, 10)).status, 400);
  EXPECT_EQ(runner.send_raw("rubbish whose length is absurd").status, 413);
  EXPECT_EQ(Runner(server, id, 2).send_raw(body).status, 409);
  EXPECT_EQ(Runner(server, id, 3).job().status, 409);
  const net::Headers token{{"Authorization", "Bearer " + runner.token()}};
  EXPECT_EQ(server.get(fmt::format("/api/v1/runner/runs/{}/job", id), token).status, 400);
}

}  // namespace
}  // namespace baton::api
