// SPDX-License-Identifier: MIT
#include "links/redact.h"

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>

#include "links/http.h"
#include "net/server.h"

namespace baton::links {
namespace {

TEST(Redact, takes_out_what_a_peer_may_repeat_in_every_form) {
  const std::vector<std::string> secrets{"a b\"c&d", "a b\"c&d-longer", "", "x"};
  EXPECT_EQ(redact(R"(plain a b"c&d, json a b\"c&d, query a%20b%22c%26d, base64 YSBiImMmZA== x)",
                   secrets),
            "plain (secret), json (secret), query (secret), base64 (secret) x");
  EXPECT_EQ(redact("a b\"c&d-longer", secrets), "(secret)");
  EXPECT_EQ(redact("nothing", secrets), "nothing");
}

TEST(Redact, finds_what_a_request_carries) {
  net::Headers headers;
  headers.set("Authorization", "Basic YW5uOnBhc3Mgd29yZA==");
  headers.set("PRIVATE-TOKEN", "glpat-1234");
  EXPECT_EQ(redact("ann pass word YW5uOnBhc3Mgd29yZA== glpat-1234", secrets_of(headers)),
            "ann (secret) (secret) (secret)");
  headers.set("Authorization", "Bearer ghs_issued");
  EXPECT_EQ(redact("Authorization: Bearer ghs_issued", secrets_of(headers)),
            "Authorization: Bearer (secret)");
  EXPECT_EQ(redact("as it is", secrets_of(net::Headers{})), "as it is");
}

TEST(Redact, finds_what_a_profile_holds) {
  model::LinkProfile profile;
  profile.token.value = "token-1";
  profile.password.value = "password-1";
  profile.secrets = {{"whsec_1"}, {"whsec_2"}};
  EXPECT_EQ(redact("token-1 password-1 whsec_1 whsec_2", secrets_of(profile)),
            "(secret) (secret) (secret) (secret)");
}

TEST(Redact, is_done_to_every_refusal_of_a_peer_also_where_it_is_streamed) {
  net::ServerOptions options;
  options.listen = "127.0.0.1:0";
  net::Server server(options, [](net::Request request) -> boost::asio::awaitable<net::Response> {
    const std::string before(request.path == "/long" ? 100'000 : 0, 'x');
    const std::string body = before + std::string{request.headers.get("Authorization")};
    net::Response response = net::reply(request.path == "/taken" ? 200 : 500, "text/plain", body);
    co_return response;
  });
  ASSERT_TRUE(server.start());
  model::LinkProfile profile;
  profile.kind = model::LinkKind::testkube;
  PeerHttp http(profile, {});
  const auto told = [&](std::string_view path, bool is_streamed) {
    std::string streamed;
    net::HttpRequest request;
    request.url = fmt::format("http://127.0.0.1:{}{}", server.port(), path);
    request.headers.set("Authorization", "Bearer issued-token");
    if (is_streamed)
      request.on_data = [&](std::string_view piece) {
        streamed += piece;
        return true;
      };
    const auto answer = http.send(std::move(request));
    EXPECT_TRUE(answer);
    return is_streamed ? streamed : answer->body;
  };
  for (const bool is_streamed : {false, true}) {
    EXPECT_EQ(told("/refused", is_streamed), "Bearer (secret)");
    EXPECT_EQ(told("/taken", is_streamed), "Bearer issued-token") << "what it gives is its own";
    EXPECT_EQ(told("/long", is_streamed).find("issued"), std::string::npos);
  }
}

}  // namespace
}  // namespace baton::links
