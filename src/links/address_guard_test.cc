// SPDX-License-Identifier: MIT
#include "links/address_guard.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/asio/awaitable.hpp>

#include "links/http.h"
#include "links/message.h"
#include "net/server.h"

namespace baton::links {
namespace {

model::LinkProfile profile() {
  model::LinkProfile profile;
  profile.kind = model::LinkKind::azure_devops;
  profile.name = "corp";
  return profile;
}

TEST(AddressGuard, knows_what_is_no_public_address) {
  for (const char* local : {"0.0.0.0",
                            "10.1.2.3",
                            "100.64.0.1",
                            "127.0.0.1",
                            "127.9.9.9",
                            "169.254.169.254",
                            "172.16.0.1",
                            "172.31.255.255",
                            "192.168.1.1",
                            "224.0.0.1",
                            "255.255.255.255",
                            "168.63.129.16",
                            "::",
                            "::1",
                            "fe80::1",
                            "fc00::1",
                            "fd12::1",
                            "ff02::1",
                            "fec0::1",
                            "::ffff:10.0.0.1",
                            "::ffff:127.0.0.1",
                            "::127.0.0.1",
                            "64:ff9b::7f00:1",
                            "2002:7f00:1::",
                            "2002:a00:1::1",
                            "64:ff9b:1::1",
                            "nonsense",
                            ""})
    EXPECT_NE(local_kind(local), "") << local;
  for (const char* open : {"8.8.8.8", "13.107.42.18", "172.32.0.1", "100.128.0.1", "2620:1ec:4::1",
                           "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"})
    EXPECT_EQ(local_kind(open), "") << open;
}

TEST(AddressGuard, networks_are_compared_bit_by_bit) {
  EXPECT_TRUE(lies_in("10.200.1.1", "10.0.0.0/8"));
  EXPECT_TRUE(lies_in("::ffff:10.200.1.1", "10.9.9.9/8"));
  EXPECT_FALSE(lies_in("11.0.0.0", "10.0.0.0/8"));
  EXPECT_TRUE(lies_in("10.128.0.1", "10.128.0.0/9"));
  EXPECT_FALSE(lies_in("10.127.0.1", "10.128.0.0/9"));
  EXPECT_TRUE(lies_in("fd00::7", "fd00::7"));
  EXPECT_TRUE(lies_in("1.2.3.4", "0.0.0.0/0"));
  EXPECT_FALSE(lies_in("1.2.3.4", "::/0"));
  for (const char* bad : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10/8", "h/8", "::/129"})
    EXPECT_FALSE(check_network(bad)) << bad;
}

TEST(AddressGuard, a_local_address_must_be_meant) {
  model::LinkProfile p = profile();
  const auto refused = check_address(p, "ado.corp", "10.4.5.6");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::forbidden);
  EXPECT_NE(refused.error().message.find("10.4.5.6"), std::string::npos);
  EXPECT_NE(refused.error().fix.find("add 10.0.0.0/8 to networks of links.azure_devops.corp"),
            std::string::npos);
  EXPECT_TRUE(check_address(p, "10.4.5.6", "10.4.5.6"));
  EXPECT_FALSE(check_address(p, "10.4.5.6", "10.4.5.7"));
  EXPECT_TRUE(check_address(p, "localhost", "::1"));
  EXPECT_FALSE(check_address(p, "localhost", "10.0.0.1"));
  EXPECT_TRUE(check_address(p, "127.0.0.1", "::ffff:127.0.0.1"));
  p.networks = {"192.168.0.0/16", "10.0.0.0/8"};
  EXPECT_TRUE(check_address(p, "ado.corp", "10.4.5.6"));
  EXPECT_TRUE(check_address(p, "ado.corp", "::ffff:10.4.5.6"));
  EXPECT_FALSE(check_address(p, "ado.corp", "169.254.169.254"));
}

/// A server on 127.0.0.1 that counts and tells the browser to go elsewhere.
class GuardedHttp : public ::testing::Test {
 protected:
  void SetUp() override {
    net::ServerOptions options;
    options.listen = "127.0.0.1:0";
    server_ = std::make_unique<net::Server>(
        options, [](net::Request request) -> boost::asio::awaitable<net::Response> {
          net::Response response = net::reply(request.path == "/away" ? 302 : 200);
          if (request.path == "/away") response.headers.add("Location", "/here");
          co_return response;
        });
    ASSERT_TRUE(server_->start());
  }
  std::string at(std::string_view host, std::string_view path = "/") const {
    return fmt::format("http://{}:{}{}", host, server_->port(), path);
  }
  Result<net::HttpResponse> get(const std::string& url) const {
    net::HttpRequest request;
    request.url = url;
    return PeerHttp(profile_, {}).send(request);
  }
  std::uint64_t connections() const { return server_->stats().connections_total; }

  model::LinkProfile profile_ = profile();
  std::unique_ptr<net::Server> server_;
};

TEST_F(GuardedHttp, a_name_that_leads_to_this_machine_is_not_connected_to) {
  // Every name below localhost resolves to it.
  profile_.allow = {at("ado.localhost")};
  const auto refused = get(at("ado.localhost"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::forbidden);
  EXPECT_NE(refused.error().message.find("loopback"), std::string::npos);
  const Outcome outcome = outcome_of(refused, {});
  EXPECT_EQ(outcome.kind, Outcome::Kind::dead);
  EXPECT_NE(outcome.error.find("networks of links.azure_devops.corp"), std::string::npos);
  EXPECT_EQ(connections(), 0U);
  profile_.networks = {"127.0.0.0/8", "::1"};
  EXPECT_EQ(get(at("ado.localhost"))->status, 200);
}

TEST_F(GuardedHttp, the_literal_of_the_entry_is_meant) {
  profile_.allow = {at("127.0.0.1"), at("localhost")};
  EXPECT_EQ(get(at("127.0.0.1"))->status, 200);
  EXPECT_EQ(get(at("localhost"))->status, 200);
}

TEST_F(GuardedHttp, a_mapped_address_is_the_one_it_carries) {
  profile_.allow = {at("[::ffff:7f00:1]")};
  net::HttpRequest request;
  request.url = at("[::ffff:7f00:1]");
  request.check_address = [&](const std::string& address) {
    return check_address(profile_, "ado.corp", address);
  };
  EXPECT_EQ(net::Client().request(request).error().code, Code::forbidden);
  EXPECT_EQ(connections(), 0U);
}

TEST_F(GuardedHttp, what_is_not_on_the_list_is_not_asked) {
  profile_.allow = {at("127.0.0.1", "/corp")};
  EXPECT_EQ(get(at("127.0.0.1", "/corporation")).error().code, Code::forbidden);
  profile_.allow = {};
  EXPECT_EQ(get(at("127.0.0.1")).error().code, Code::forbidden);
  EXPECT_EQ(connections(), 0U);
}

TEST_F(GuardedHttp, follows_no_redirect) {
  profile_.allow = {at("127.0.0.1")};
  EXPECT_EQ(get(at("127.0.0.1", "/away"))->status, 302);
}

TEST_F(GuardedHttp, asks_no_proxy) {
  // A proxy would resolve the name itself: the address of the connection would be its own.
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  profile_.allow = {at("ado.localhost")};
  profile_.networks = {"127.0.0.0/8", "::1"};
  EXPECT_EQ(get(at("ado.localhost"))->status, 200);
  ::unsetenv("http_proxy");
}

TEST_F(GuardedHttp, a_kept_connection_is_judged_as_well) {
  net::Client client;
  net::HttpRequest request;
  request.url = at("127.0.0.1");
  ASSERT_TRUE(client.request(request));
  std::string seen;
  request.check_address = [&](const std::string& address) -> Result<void> {
    seen = address;
    return fail(Code::forbidden, "no");
  };
  EXPECT_EQ(client.request(request).error().code, Code::forbidden);
  EXPECT_EQ(seen, "127.0.0.1");
  EXPECT_EQ(connections(), 1U);
}

TEST_F(GuardedHttp, links_with_an_address_of_their_own_are_not_restricted) {
  profile_.kind = model::LinkKind::gocd;
  EXPECT_EQ(get(at("127.0.0.1"))->status, 200);
}

}  // namespace
}  // namespace baton::links
