// SPDX-License-Identifier: MIT
// What is said to the log of a gate with an Idempotency-Key is there once.
#include <gtest/gtest.h>

#include <thread>

#include "api/test_server.h"

namespace baton::api {
namespace {

class GateLog : public testing::Test {
 protected:
  std::string open() {
    const Reply gate = server_.post("/api/v1/gates", R"({"subject":{"external":true}})");
    EXPECT_EQ(gate.status, 201) << gate.text;
    return "/api/v1/gates/" + gate.string("id");
  }
  static net::Headers key(std::string_view key) {
    return {{"Idempotency-Key", std::string(key)}, {"Content-Type", "text/plain"}};
  }
  Reply say(std::string_view text, std::string_view with) {
    return server_.post(gate_ + "/log", std::string(text), key(with));
  }
  std::string log() { return server_.get(gate_ + "/log").text; }

  TestServer server_;
  const std::string gate_ = open();
};

TEST_F(GateLog, a_repeated_request_appends_once) {
  const Reply first = say("one", "1");
  EXPECT_EQ(first.headers.get("Idempotency-Replayed"), "");
  const Reply again = say("one", "1");
  EXPECT_EQ(again.text, first.text);
  EXPECT_EQ(again.headers.get("Idempotency-Replayed"), "true");
  EXPECT_EQ(say("two", "1").code(), "conflict");
  EXPECT_EQ(say("one", "2").integer("log_bytes"), 8) << "the same words, said once more";
  EXPECT_EQ(log(), "one\none\n");
}

TEST_F(GateLog, a_repeated_request_after_the_verdict_gets_its_answer) {
  EXPECT_EQ(say("one", "1").status, 200);
  EXPECT_EQ(server_.post(gate_ + "/verdict", R"({"verdict":"passed"})").status, 200);
  EXPECT_EQ(say("one", "1").integer("log_bytes"), 4);
  EXPECT_EQ(say("late", "2").code(), "conflict");
  EXPECT_EQ(log(), "one\n");
}

TEST_F(GateLog, a_key_is_one_gates_own) {
  EXPECT_EQ(say("one", "1").status, 200);
  const std::string other = open();
  EXPECT_EQ(server_.post(other + "/log", "one", key("1")).headers.get("Idempotency-Replayed"), "");
  EXPECT_EQ(server_.get(other + "/log").text, "one\n");
}

TEST_F(GateLog, what_was_appended_before_the_server_fell_is_not_appended_again) {
  EXPECT_EQ(say("one", "1").status, 200);
  server_.fill_disk(true);
  EXPECT_EQ(say("two", "2").status, 503);
  server_.fill_disk(false);
  EXPECT_EQ(say("two", "2").integer("log_bytes"), 8);
  EXPECT_EQ(log(), "one\ntwo\n");
  EXPECT_EQ(server_.get(gate_).integer("log_bytes"), 8);
}

TEST_F(GateLog, requests_with_one_key_at_the_same_time_append_once) {
  std::vector<std::thread> threads;
  std::atomic<int> replayed = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this, &replayed] {
      net::HttpRequest request;
      request.method = "POST";
      request.url = server_.url() + gate_ + "/log";
      request.headers = key("1");
      request.headers.set("Authorization", "Bearer " + server_.secret("admin"));
      request.body = "one";
      const auto answer = net::Client().request(request);
      ASSERT_TRUE(answer);
      EXPECT_EQ(answer->body, R"({"log_bytes":4})");
      if (answer->headers.get("Idempotency-Replayed") == "true") ++replayed;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(replayed, 7);
  EXPECT_EQ(log(), "one\n");
}

}  // namespace
}  // namespace baton::api
