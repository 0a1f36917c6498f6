// SPDX-License-Identifier: MIT
#include "links/signature.h"

#include <gtest/gtest.h>

namespace baton::links {
namespace {

TEST(Signature, is_that_of_the_peers) {
  // GitHub's own example, and that of Standard Webhooks.
  EXPECT_EQ(to_hex(hmac_sha256("It's a Secret to Everybody", "Hello, World!")),
            "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
  const auto key = from_base64("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  ASSERT_TRUE(key);
  EXPECT_EQ(to_base64(hmac_sha256(*key,
                                  "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330."
                                  "{\"test\": 2432232314}")),
            "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(Signature, compares_whole_texts) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
}

TEST(Signature, base64_is_read_only_when_it_is_whole) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("a"), "YQ==");
  EXPECT_EQ(from_base64("YQ=="), "a");
  EXPECT_EQ(from_base64("YWI="), "ab");
  EXPECT_EQ(from_base64("YWJj"), "abc");
  EXPECT_EQ(from_base64(""), "");
  for (const char* bad : {"YQ", "YQ=", "Y===", "YQ= ", " YWJ", "YW-j", "====", "YQ==YQ=="})
    EXPECT_FALSE(from_base64(bad)) << bad;
}

}  // namespace
}  // namespace baton::links
