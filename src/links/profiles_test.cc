// SPDX-License-Identifier: MIT
#include "links/profiles.h"

#include <gtest/gtest.h>

namespace baton::links {
namespace {

TEST(Profiles, a_message_goes_out_with_its_secrets_or_not_at_all) {
  model::LinkProfile profile;
  EXPECT_EQ(missing_secret(profile), "");
  profile.missing = {"secret: the variable HOOK is not set"};
  EXPECT_EQ(missing_secret(profile), "secret: the variable HOOK is not set");
  profile.secrets = {{"the other one"}};
  EXPECT_EQ(missing_secret(profile), "");
  profile.missing = {"webhook_secret: not there", "token: not there"};
  EXPECT_EQ(missing_secret(profile), "token: not there");
  profile.missing = {"pat: not there"};
  EXPECT_EQ(missing_secret(profile), "");
}

}  // namespace
}  // namespace baton::links
