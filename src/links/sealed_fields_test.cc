// SPDX-License-Identifier: MIT
#include "links/sealed_fields.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace baton::links {
namespace {

using model::LinkKind;

class SealedFields : public testing::Test {
 protected:
  SealedFields() {
    std::string folder = "/tmp/baton-sealed-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
  }
  ~SealedFields() override { std::filesystem::remove_all(folder_); }
  SecretBox box(const std::string& key) { return SecretBox::open(folder_ + "/" + key).value(); }

  static Result<std::string> unseal(const SecretBox& box, const std::string& fields) {
    std::vector<std::string> opened;
    return unseal_fields(box, fields, opened);
  }

  std::string folder_;
};

TEST_F(SealedFields, secure_variables_of_a_pipeline_are_shown_to_nobody) {
  const std::string fields =
      R"({"pipeline":"p","environment_variables":[)"
      R"({"name":"OPEN","value":"seen"},{"name":"KEY","value":"hu\"sh","secure":true}]})";
  model::Target target{"gocd/main", "schedule", fields};
  seal_fields(box("a"), LinkKind::gocd, target);
  EXPECT_EQ(target.fields.find("hu"), std::string::npos) << target.fields;
  EXPECT_NE(target.fields.find("seen"), std::string::npos);
  EXPECT_EQ(unseal(box("a"), target.fields).value(), fields);
  EXPECT_EQ(model::hide_sealed(target.fields),
            R"x({"pipeline":"p","environment_variables":[{"name":"OPEN","value":"seen"},)x"
            R"x({"name":"KEY","value":"(secret)","secure":true}]})x");
  const std::string once = target.fields;
  seal_fields(box("a"), LinkKind::gocd, target);
  EXPECT_EQ(target.fields, once);
  EXPECT_FALSE(unseal(box("b"), target.fields));
}

TEST_F(SealedFields, the_token_of_a_webhook_step_is_one_and_nothing_else_is) {
  model::Target step{"jenkins/ci", "webhook_step", R"({"token":"t0ken"})"};
  seal_fields(box("a"), LinkKind::jenkins, step);
  EXPECT_EQ(model::hide_sealed(step.fields), R"x({"token":"(secret)"})x");
  model::Target input{"jenkins/ci", "input", R"({"job":"x","token":"no"})"};
  seal_fields(box("a"), LinkKind::jenkins, input);
  EXPECT_EQ(input.fields, R"({"job":"x","token":"no"})");
  model::Target odd{"jenkins/ci", "webhook_step", "{\"token\":7}"};
  seal_fields(box("a"), LinkKind::jenkins, odd);
  EXPECT_EQ(odd.fields, "{\"token\":7}");
}

}  // namespace
}  // namespace baton::links
