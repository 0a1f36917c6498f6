// SPDX-License-Identifier: MIT
#include "links/secret_box.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"

namespace baton::links {
namespace {

class Box : public testing::Test {
 protected:
  Box() {
    std::string folder = "/tmp/baton-box-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
  }
  ~Box() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(Box, what_was_sealed_is_read_by_the_same_key_only) {
  const auto box = SecretBox::open(folder_ + "/a").value();
  const std::string sealed = box.seal({{"token", "s3cret"}});
  EXPECT_EQ(sealed.find("s3cret"), std::string::npos);
  EXPECT_NE(sealed, box.seal({{"token", "s3cret"}}));
  EXPECT_EQ(SecretBox::open(folder_ + "/a").value().unseal(sealed).value().at("token"), "s3cret");
  EXPECT_FALSE(SecretBox::open(folder_ + "/b").value().unseal(sealed));
}

TEST_F(Box, a_changed_text_is_refused) {
  const auto box = SecretBox::open(folder_ + "/a").value();
  std::string sealed = box.seal({{"token", "s3cret"}});
  sealed[20] = sealed[20] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(box.unseal(sealed));
  EXPECT_FALSE(box.unseal("AAAA"));
  EXPECT_TRUE(box.unseal("").value().empty());
}

TEST_F(Box, a_file_that_is_no_key_is_told) {
  ASSERT_TRUE(replace_file(folder_ + "/a", "hello", 0600));
  EXPECT_FALSE(SecretBox::open(folder_ + "/a"));
}

}  // namespace
}  // namespace baton::links
