// SPDX-License-Identifier: MIT
#include "links/redact.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace baton::links
