// SPDX-License-Identifier: MIT
#include "links/profiles.h"

#include <gtest/gtest.h>

#include <filesystem>

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

class PrepareRequest : public testing::Test {
 protected:
  PrepareRequest() {
    std::string folder = "/tmp/baton-profiles-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
    profiles_.resize(2);
    profiles_[0].kind = model::LinkKind::gocd;
    profiles_[1].kind = model::LinkKind::azure_devops;
    for (model::LinkProfile& profile : profiles_) profile.name = "main";
  }
  ~PrepareRequest() override { std::filesystem::remove_all(folder_); }

  Result<void> prepare(model::GateRequest& request) {
    return prepare_request(profiles_, SecretBox::open(folder_ + "/key").value(), request);
  }

  std::string folder_;
  Profiles profiles_;
};

TEST_F(PrepareRequest, gives_targets_their_stage_and_seals_what_is_secret) {
  model::GateRequest request;
  request.deliver = {{"gocd/main", "schedule",
                      R"({"pipeline":"p","environment_variables":[)"
                      R"({"name":"KEY","value":"hush","secure":true}]})"}};
  const auto prepared = prepare(request);
  ASSERT_TRUE(prepared) << prepared.error().message;
  EXPECT_EQ(request.deliver[0].stage, model::Stage::verdict);
  EXPECT_EQ(request.deliver[0].fields.find("hush"), std::string::npos);
}

TEST_F(PrepareRequest, tells_of_each_field_what_is_wrong_with_it) {
  model::GateRequest request;
  request.deliver = {{"gocd/other", "schedule", "{}"}, {"gocd/main", "schedule", R"({"pipe":1})"}};
  const auto prepared = prepare(request);
  ASSERT_FALSE(prepared);
  ASSERT_GE(prepared.error().details.size(), 2u);
  EXPECT_EQ(prepared.error().details[0].pointer, "/deliver/0/link");
  EXPECT_TRUE(prepared.error().details[1].pointer.starts_with("/deliver/1/schedule"))
      << prepared.error().details[1].pointer;
}

}  // namespace
}  // namespace baton::links
