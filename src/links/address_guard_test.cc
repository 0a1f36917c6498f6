// SPDX-License-Identifier: MIT
#include "links/address_guard.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <stdlib.h>

#include <boost/asio/awaitable.hpp>

#include "base/text.h"
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

/// What the next questions for kRebound are answered with, the last one for ever.
std::vector<std::string>& answers() {
  static std::vector<std::string> answers;
  return answers;
}
constexpr std::string_view kRebound = "ado.rebound.example";

class ReboundHttp : public GuardedHttp {
 protected:
  void SetUp() override {
    net::ServerOptions options = {.listen = "0.0.0.0:0", .threads = 1};
    server_ = std::make_unique<net::Server>(
        options, [](net::Request) -> boost::asio::awaitable<net::Response> {
          co_return net::reply(200, "text/plain", "ok");
        });
    ASSERT_TRUE(server_->start());
    profile_.allow = {at(kRebound)};
    profile_.networks = {"127.0.0.2"};
  }
  void TearDown() override { answers().clear(); }

  static Result<net::HttpResponse> call(PeerHttp& http, const std::string& url) {
    net::HttpRequest request;
    request.method = "POST";
    request.url = url;
    request.body = "secret";
    return http.send(std::move(request));
  }
};

TEST_F(ReboundHttp, an_answer_that_changed_between_two_calls_is_refused) {
  answers() = {"127.0.0.2", "127.0.0.1"};
  PeerHttp first(profile_, {});
  ASSERT_TRUE(call(first, at(kRebound)));
  EXPECT_EQ(connections(), 1U);
  PeerHttp second(profile_, {});  // as another thread, or once the name was forgotten
  const auto refused = call(second, at(kRebound));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::forbidden);
  EXPECT_NE(refused.error().message.find("127.0.0.1"), std::string::npos);
  EXPECT_EQ(connections(), 1U) << "nothing was connected to";
}

TEST_F(ReboundHttp, an_answer_holds_for_the_calls_of_a_connection) {
  answers() = {"127.0.0.2", "127.0.0.1"};
  PeerHttp http(profile_, {});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(call(http, at(kRebound)));
}

TEST_F(ReboundHttp, of_several_addresses_only_the_permitted_are_connected_to) {
  answers() = {"127.0.0.1,127.0.0.2", "127.0.0.1,10.0.0.1"};
  PeerHttp first(profile_, {});
  EXPECT_TRUE(call(first, at(kRebound)));
  PeerHttp second(profile_, {});
  EXPECT_EQ(call(second, at(kRebound)).error().code, Code::forbidden);
  EXPECT_EQ(connections(), 1U);
}

}  // namespace
}  // namespace baton::links

// Stands before that of the C library, as a name server under somebody else's control would.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints,
                           addrinfo** found) {
  using Ask = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto ask = reinterpret_cast<Ask>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  auto& answers = baton::links::answers();
  if (name == nullptr || name != baton::links::kRebound || answers.empty())
    return ask(name, service, hints, found);
  const std::string answer = answers.front();
  if (answers.size() > 1) answers.erase(answers.begin());
  addrinfo** end = found;
  for (const std::string_view address : baton::split(answer, ',')) {
    if (const int failed = ask(std::string(address).c_str(), service, hints, end); failed != 0)
      return failed;
    while (*end != nullptr) end = &(*end)->ai_next;
  }
  return 0;
}
