// SPDX-License-Identifier: MIT
// The threads that watch a Testkube: webhooks wake them, a silent peer does not hold up their end.
#include "app/testkube_watch.h"

#include <gtest/gtest.h>

#include <optional>

#include "api/gate_files.h"
#include "api/test_server.h"
#include "app/test_peer.h"
#include "links/testkube_for_test.h"

namespace baton::app {
namespace {

using api::Reply;

// Longer than a test: what is seen earlier is seen because somebody said so.
constexpr Duration kNever = std::chrono::hours{1};
constexpr const char* kExecutions = "/v1/test-workflow-executions";

class Watched : public testing::Test {
 protected:
  ~Watched() override { watch_.reset(); }

  static model::LinkProfile profile(const std::string& name, const std::string& url) {
    model::LinkProfile profile = links::testkube_profile();
    profile.name = name;
    profile.url = url;
    profile.poll = kNever;
    return profile;
  }

  void start() {
    api::Context& context = server_.context();
    watch_.emplace(TestkubeWatch::Parts{
        context.store, context.feed, context.writer, context.rules, context.settings.links,
        [&context](const std::string& gate, std::string_view text) {
          return api::append_to_gate(context, gate, text);
        },
        context.clock});
  }

  /// The path of a gate that waits for this tag.
  std::string open(const std::string& tag, const std::string& name = "tk") {
    const Reply gate = server_.post(
        "/api/v1/gates",
        fmt::format(R"({{"subject":{{"testkube":{{"profile":"{}","tag":"build={}"}}}}}})", name,
                    tag));
    EXPECT_EQ(gate.status, 201) << gate.text;
    return "/api/v1/gates/" + gate.string("id");
  }
  void add(const std::string& id, const std::string& tag) {
    const std::lock_guard lock(mutex_);
    fake_.add(id, {{"build", tag}});
  }
  void finish(const std::string& id, const std::string& status) {
    const std::lock_guard lock(mutex_);
    fake_.finish(id, status);
  }
  std::string verdict(const std::string& gate) {
    return server_.get(gate + "?wait=20s").string("verdict");
  }
  bool is_seen(const std::string& gate, const std::string& id) {
    return net::eventually(
        [&] { return server_.get(gate).text.find('"' + id + '"') != std::string::npos; });
  }

  net::Response answer(const net::Request& request) {
    if (request.path.ends_with("/logs")) return net::reply(200, "text/plain", "all is well\n");
    const std::lock_guard lock(mutex_);
    net::HttpRequest call;
    call.method = request.method;
    call.url = "http://tk:8088" + request.target;
    call.body = request.body;
    links::Answer given = fake_.send(std::move(call));
    net::Response response = net::reply(given ? given->status : 500);
    if (given) response.body = given->body;
    return response;
  }

  std::mutex mutex_;
  links::FakeTestkube fake_;  // guarded by mutex_
  TestPeer peer_{[this](const net::Request& request) { return answer(request); }};
  TestPeer other_{[this](const net::Request& request) { return answer(request); }};
  api::TestServer server_{
      {.links = {profile("tk", peer_.url()), profile("other", other_.url())}}};
  std::optional<TestkubeWatch> watch_;
};

TEST_F(Watched, nobody_is_asked_while_no_gate_waits) {
  for (int i = 0; i < 20; ++i) {
    start();
    watch_.reset();
  }
  EXPECT_EQ(peer_.count(""), 0);
}

TEST_F(Watched, goes_on_with_the_gates_of_an_earlier_server) {
  add("a", "1");
  finish("a", "passed");
  const std::string gate = open("1");
  start();
  EXPECT_EQ(verdict(gate), "passed");
}

TEST_F(Watched, a_webhook_wakes_it) {
  start();
  add("a", "1");
  const std::string gate = open("1");
  ASSERT_TRUE(is_seen(gate, "a"));
  finish("a", "failed");
  watch_->look_again("other", "a");
  EXPECT_EQ(server_.get(gate).string("state"), "pending") << "that was another Testkube";
  watch_->look_again("tk", "a");
  EXPECT_EQ(verdict(gate), "failed");
}

TEST_F(Watched, a_webhook_without_an_execution_wakes_it) {
  start();
  add("a", "1");
  const std::string gate = open("1");
  ASSERT_TRUE(is_seen(gate, "a"));
  finish("a", "passed");
  server_.pass(Duration{2'000});  // two lists are some time apart, whoever asks for them
  watch_->look_again("tk", "");
  EXPECT_EQ(verdict(gate), "passed");
}

TEST_F(Watched, webhooks_for_nobody_do_nothing) {
  start();
  for (int i = 0; i < 3'000; ++i) watch_->look_again("tk", std::to_string(i));
  watch_->look_again("nix", "a");
  watch_.reset();
  EXPECT_EQ(peer_.count("") + other_.count(""), 0);
}

TEST_F(Watched, stops_while_a_list_gets_no_answer) {
  peer_.silence(kExecutions);
  start();
  open("1");
  ASSERT_TRUE(peer_.is_asked(kExecutions));
  EXPECT_LT(time_of([&] { watch_.reset(); }), kPromptly);
}

TEST_F(Watched, stops_while_logs_are_followed) {
  peer_.silence("/notifications");
  start();
  const int streams = 4;
  for (int i = 0; i < streams; ++i) {
    add(fmt::format("e{}", i), std::to_string(i));
    open(std::to_string(i));
  }
  server_.pass(Duration{2'000});
  watch_->look_again("tk", "");
  ASSERT_TRUE(peer_.is_asked("/notifications", streams));
  EXPECT_LT(time_of([&] { watch_.reset(); }), kPromptly);
}

TEST_F(Watched, stops_while_whole_logs_are_read) {
  peer_.silence("/logs");
  add("a", "1");
  finish("a", "passed");
  start();
  open("1");
  ASSERT_TRUE(peer_.is_asked("/logs"));
  EXPECT_LT(time_of([&] { watch_.reset(); }), kPromptly);
}

TEST_F(Watched, a_log_that_does_not_come_holds_the_verdict_for_a_while_only) {
  peer_.silence("/logs");
  add("a", "1");
  finish("a", "passed");
  start();
  const std::string gate = open("1");
  ASSERT_TRUE(peer_.is_asked("/logs"));
  EXPECT_EQ(server_.get(gate).string("state"), "pending");
  server_.pass(Duration{11'000});
  EXPECT_EQ(verdict(gate), "passed");
}

TEST_F(Watched, a_silent_testkube_holds_up_no_other) {
  peer_.silence(kExecutions);
  start();
  open("1");
  ASSERT_TRUE(peer_.is_asked(kExecutions));
  add("b", "2");
  finish("b", "passed");
  EXPECT_EQ(verdict(open("2", "other")), "passed");
}

}  // namespace
}  // namespace baton::app
