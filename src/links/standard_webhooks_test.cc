// SPDX-License-Identifier: MIT
#include "links/standard_webhooks.h"

#include <gtest/gtest.h>

namespace baton::links {
namespace {

// The vector of the specification's reference library.
const model::Secret kSecret{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
constexpr const char* kId = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const TimePoint kAt = from_ms(1'614'265'330'000);
constexpr const char* kBody = R"({"test": 2432232314})";
constexpr const char* kSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

net::Headers signed_headers(std::string signature = kSignature) {
  return {{"Webhook-Id", kId},
          {"Webhook-Timestamp", "1614265330"},
          {"Webhook-Signature", std::move(signature)}};
}

TEST(StandardWebhooks, signs_as_the_reference_does) {
  net::Headers headers;
  sign_webhook(headers, {kSecret}, kId, kAt, kBody);
  EXPECT_EQ(headers.get("webhook-id"), kId);
  EXPECT_EQ(headers.get("webhook-timestamp"), "1614265330");
  EXPECT_EQ(headers.get("webhook-signature"), kSignature);
}

TEST(StandardWebhooks, signs_once_by_each_secret) {
  net::Headers headers;
  sign_webhook(headers, {{"another text"}, kSecret}, kId, kAt, kBody);
  const std::string both{headers.get("webhook-signature")};
  EXPECT_TRUE(both.ends_with(std::string(" ") + kSignature));
  EXPECT_TRUE(verify_webhook(headers, {kSecret}, kAt, kBody));
  EXPECT_TRUE(verify_webhook(headers, {{"another text"}}, kAt, kBody));
  EXPECT_FALSE(verify_webhook(headers, {{"a third"}}, kAt, kBody));
}

TEST(StandardWebhooks, accepts_one_good_signature_among_others) {
  const auto verify = [](std::string signature) {
    return verify_webhook(signed_headers(std::move(signature)), {kSecret}, kAt, kBody);
  };
  EXPECT_EQ(*verify(kSignature), kId);
  EXPECT_TRUE(verify(std::string("v1a,AAAA v2,x v1,%% ") + kSignature));
  EXPECT_FALSE(verify("v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
  EXPECT_FALSE(verify("v1,"));
  EXPECT_FALSE(verify(""));
  EXPECT_EQ(verify("v1,AAAA").error().code, Code::unauthenticated);
}

TEST(StandardWebhooks, takes_calls_of_the_last_five_minutes) {
  const auto at = [](Duration later) {
    return verify_webhook(signed_headers(), {kSecret}, kAt + later, kBody).has_value();
  };
  EXPECT_TRUE(at(std::chrono::seconds{300}));
  EXPECT_TRUE(at(std::chrono::seconds{-300}));
  EXPECT_FALSE(at(std::chrono::seconds{301}));
  EXPECT_FALSE(at(std::chrono::seconds{-301}));
}

TEST(StandardWebhooks, every_part_is_signed) {
  EXPECT_FALSE(verify_webhook(signed_headers(), {kSecret}, kAt, "{}"));
  net::Headers other = signed_headers();
  other.set("webhook-id", "msg_2");
  EXPECT_FALSE(verify_webhook(other, {kSecret}, kAt, kBody));
  other = signed_headers();
  other.set("webhook-timestamp", "1614265331");
  EXPECT_FALSE(verify_webhook(other, {kSecret}, kAt, kBody));
  for (const char* wrong : {"", "x", "1614265330.5", "99999999999999999999", "-1"}) {
    other.set("webhook-timestamp", wrong);
    EXPECT_FALSE(verify_webhook(other, {kSecret}, kAt, kBody)) << wrong;
  }
  EXPECT_FALSE(verify_webhook(signed_headers(), {}, kAt, kBody));
  EXPECT_FALSE(verify_webhook(signed_headers(), {{""}}, kAt, kBody));
}

}  // namespace
}  // namespace baton::links
