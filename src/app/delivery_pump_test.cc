// SPDX-License-Identifier: MIT
// The threads that bring deliveries: they stop while a peer is silent, and it delays nobody else.
#include "app/delivery_pump.h"

#include <gtest/gtest.h>

#include <optional>

#include "api/test_server.h"
#include "app/test_peer.h"

namespace baton::app {
namespace {

using api::Reply;

model::LinkProfile link(model::LinkKind kind, const std::string& name, const std::string& url) {
  model::LinkProfile profile;
  profile.kind = kind;
  profile.name = name;
  profile.url = url + "/" + name;
  return profile;
}

model::LinkProfile webhook(const std::string& name, const std::string& url) {
  model::LinkProfile profile = link(model::LinkKind::webhook, name, url);
  profile.secrets = {{"whsec_c2VjcmV0"}};
  return profile;
}

class Pump : public testing::Test {
 protected:
  static constexpr int kPerPeer = 6;

  void start() { pump_.emplace(server_.context(), kPerPeer); }

  /// A gate that has been decided, with so many deliveries to the link.
  std::string decided(const std::string& link, int deliveries = 1) {
    std::string deliver;
    for (int i = 0; i < deliveries; ++i)
      deliver += fmt::format(R"({}{{"link":"webhook/{}"}})", i == 0 ? "" : ",", link);
    const Reply gate = server_.post(
        "/api/v1/gates",
        fmt::format(R"({{"subject":{{"external":true}},"deliver":[{}]}})", deliver));
    EXPECT_EQ(gate.status, 201) << gate.text;
    const std::string path = "/api/v1/gates/" + gate.string("id");
    EXPECT_EQ(server_.post(path + "/verdict", R"({"verdict":"passed"})").status, 200);
    return path;
  }
  Reply delivery(const std::string& gate) {
    Reply reply = server_.get(gate);
    reply.json = boost::json::value(reply.json.at("deliveries").as_array().at(0));
    return reply;
  }
  bool is_delivered(const std::string& gate) {
    return net::eventually([&] { return delivery(gate).string("state") == "delivered"; });
  }

  TestPeer peer_{[](const net::Request&) { return net::reply(204); }};
  api::TestServer server_{
      {.links = {webhook("one", peer_.url()), webhook("two", peer_.url()),
                 link(model::LinkKind::jenkins, "ci", peer_.url())}}};
  std::optional<DeliveryPump> pump_;
};

TEST_F(Pump, starts_and_stops_with_nothing_to_do) {
  for (int i = 0; i < 20; ++i) {
    start();
    pump_.reset();
  }
  EXPECT_EQ(peer_.count(""), 0);
}

TEST_F(Pump, brings_what_an_earlier_server_left) {
  const std::string gate = decided("one");
  start();
  EXPECT_TRUE(is_delivered(gate));
  EXPECT_EQ(peer_.count("/one"), 1);
}

TEST_F(Pump, stops_while_calls_are_under_way_and_the_next_one_repeats_them) {
  peer_.silence("/one");
  start();
  const std::string gate = decided("one");
  const std::string other = decided("one");
  ASSERT_TRUE(peer_.is_asked("/one", 2));
  EXPECT_LT(time_of([&] { pump_.reset(); }), kPromptly);
  EXPECT_EQ(delivery(gate).string("state"), "queued");
  EXPECT_EQ(delivery(gate).integer("attempts"), 0) << "it is over for the server, not the peer";
  peer_.silence("");
  start();
  EXPECT_TRUE(is_delivered(gate));
  EXPECT_TRUE(is_delivered(other));
}

TEST_F(Pump, a_silent_peer_delays_no_other) {
  peer_.silence("/one");
  start();
  for (int i = 0; i < kPerPeer + 2; ++i) decided("one");
  ASSERT_TRUE(peer_.is_asked("/one", kPerPeer));
  EXPECT_TRUE(is_delivered(decided("two")));
  EXPECT_EQ(peer_.count("/one"), kPerPeer) << "no more at once";
}

TEST_F(Pump, a_call_that_gets_no_answer_delays_none_of_the_same_peer) {
  start();
  // One thread is there and waits; what is due at once needs more than that one.
  ASSERT_TRUE(is_delivered(decided("one")));
  peer_.silence("/one");
  decided("one", kPerPeer);
  EXPECT_TRUE(peer_.is_asked("/one", 1 + kPerPeer));
}

TEST_F(Pump, a_target_whose_secret_cannot_be_read_is_dead_and_says_so) {
  start();
  // What another server's key has sealed.
  const Reply gate = server_.post(
      "/api/v1/gates",
      R"({"subject":{"external":true},"deliver":[{"link":"jenkins/ci",)"
      R"("webhook_step":{"token":"sealed:AAAA"}}]})");
  const std::string path = "/api/v1/gates/" + gate.string("id");
  EXPECT_EQ(server_.post(path + "/verdict", R"({"verdict":"passed"})").status, 200);
  ASSERT_TRUE(net::eventually([&] { return delivery(path).string("state") == "dead"; }));
  EXPECT_EQ(delivery(path).string("error_class"), "misconfigured");
  EXPECT_NE(delivery(path).string("last_error").find("a secret of the target cannot be read"),
            std::string::npos);
  EXPECT_EQ(peer_.count(""), 0);
}

TEST_F(Pump, what_cannot_be_stored_now_is_brought_again) {
  start();
  peer_.silence("/one");
  const std::string gate = decided("one");
  ASSERT_TRUE(peer_.is_asked("/one"));
  server_.fill_disk(true);
  pump_.reset();
  peer_.silence("");
  start();
  ASSERT_TRUE(peer_.is_asked("/one", 2));
  EXPECT_EQ(delivery(gate).string("state"), "queued");
  EXPECT_LT(time_of([&] { pump_.reset(); }), kPromptly) << "also while it waits for the disk";
  server_.fill_disk(false);
  start();
  EXPECT_TRUE(is_delivered(gate));
}

}  // namespace
}  // namespace baton::app
