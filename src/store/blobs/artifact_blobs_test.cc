// SPDX-License-Identifier: MIT
#include "store/blobs/artifact_blobs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

namespace baton::store {
namespace {

// Of "hello", as `sha256sum` prints it.
constexpr const char* kHello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

class ArtifactBlobsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "baton-artifacts-XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    blobs_ = ArtifactBlobs::open(folder_).value();
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::string content(std::string_view digest) {
    const auto blob = blobs_->open_blob(digest);
    if (!blob) return std::string(name_of(blob.error().code));
    std::string bytes(static_cast<std::size_t>(blob->size), '\0');
    EXPECT_EQ(::read(blob->fd.get(), bytes.data(), bytes.size()), blob->size);
    return bytes;
  }
  std::size_t uploads() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator(folder_ + "/uploads"))
      ++count;
    return count;
  }
  static Result<bool> no() { return false; }
  static Result<bool> yes() { return true; }

  std::string folder_;
  std::unique_ptr<ArtifactBlobs> blobs_;
};

TEST_F(ArtifactBlobsTest, keeps_bytes_by_their_digest) {
  auto upload = blobs_->begin().value();
  ASSERT_TRUE(upload.append("hel"));
  ASSERT_TRUE(upload.append("lo"));
  EXPECT_EQ(upload.size(), 5);
  const auto stored = upload.finish();
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(stored->digest(), kHello);
  EXPECT_EQ(stored->size(), 5);
  EXPECT_EQ(content(kHello), "hello");
  EXPECT_EQ(uploads(), 0u);
  EXPECT_EQ(blobs_->list(0x2c).value(), std::vector<std::string>{kHello});
  EXPECT_TRUE(blobs_->list(0)->empty());
  EXPECT_TRUE(blobs_->list(0x2c, from_ms(1'000))->empty()) << "it is younger";
}

TEST_F(ArtifactBlobsTest, keeps_the_same_bytes_once_and_nothing_at_all) {
  ASSERT_TRUE(blobs_->put("hello"));
  ASSERT_TRUE(blobs_->put("hello"));
  EXPECT_EQ(blobs_->list(0x2c)->size(), 1u);
  const auto empty = blobs_->put("");
  ASSERT_TRUE(empty);
  EXPECT_EQ(content(empty->digest()), "");
}

TEST_F(ArtifactBlobsTest, a_discarded_upload_leaves_nothing) {
  {
    auto upload = blobs_->begin().value();
    ASSERT_TRUE(upload.append("half"));
    EXPECT_EQ(uploads(), 1u);
  }
  EXPECT_EQ(uploads(), 0u);
}

TEST_F(ArtifactBlobsTest, opening_removes_what_a_killed_server_left) {
  ASSERT_TRUE(replace_file(folder_ + "/uploads/7", "half"));
  blobs_ = ArtifactBlobs::open(folder_).value();
  EXPECT_EQ(uploads(), 0u);
}

TEST_F(ArtifactBlobsTest, a_blob_goes_only_when_nothing_names_it) {
  std::optional stored = blobs_->put("hello").value();
  EXPECT_FALSE(blobs_->remove_unless(kHello, no).value()) << "its row may still come";
  stored.reset();
  EXPECT_FALSE(blobs_->remove_unless(kHello, yes).value());
  EXPECT_EQ(content(kHello), "hello");
  auto reading = blobs_->open_blob(kHello);
  EXPECT_TRUE(blobs_->remove_unless(kHello, no).value());
  EXPECT_EQ(content(kHello), "not_found");
  char byte = 0;
  EXPECT_EQ(::read(reading->fd.get(), &byte, 1), 1) << "who reads it goes on";
  EXPECT_FALSE(blobs_->remove_unless(kHello, no).value());
}

TEST_F(ArtifactBlobsTest, a_question_that_fails_removes_nothing) {
  { ASSERT_TRUE(blobs_->put("hello")); }
  const auto failed = blobs_->remove_unless(
      kHello, []() -> Result<bool> { return fail(Code::unavailable, "no snapshot"); });
  EXPECT_EQ(failed.error().code, Code::unavailable);
  EXPECT_EQ(content(kHello), "hello");
}

TEST_F(ArtifactBlobsTest, what_is_not_a_digest_is_refused) {
  for (const std::string& name :
       {std::string("../../etc/passwd"), std::string(), std::string(64, 'G'),
        std::string(63, 'a') + "/", std::string(65, 'a')}) {
    EXPECT_EQ(blobs_->open_blob(name).error().code, Code::invalid) << name;
    EXPECT_EQ(blobs_->remove_unless(name, no).error().code, Code::invalid) << name;
  }
}

TEST_F(ArtifactBlobsTest, does_not_follow_links) {
  std::filesystem::create_directory(folder_ + "/2c");
  std::filesystem::create_symlink("/etc/passwd", folder_ + "/2c/" + kHello);
  EXPECT_FALSE(blobs_->open_blob(kHello));
}

}  // namespace
}  // namespace baton::store
