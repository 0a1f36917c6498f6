// SPDX-License-Identifier: MIT
// Artifacts as attachments of a published test run.
#include <gtest/gtest.h>

#include "links/azure_devops.h"
#include "links/peer_for_test.h"

namespace baton::links {
namespace {

using model::ErrorClass;
using Kind = Outcome::Kind;

constexpr const char* kUrl =
    "https://dev.azure.com/corp/p/_apis/test/Runs/9/attachments?api-version=7.1";

class AzureFiles : public ::testing::Test {
 protected:
  AzureFiles() : message_(message_of("results", "")) {
    profile_ = profile_of(model::LinkKind::azure_devops, "");
    profile_.publish_results = true;
    profile_.attachments = {"*.xml", "shots/**"};
    azure::Place place;
    place.plan_url = "https://dev.azure.com/corp";
    place.project = "p";
    place.hub = "Checks";
    place.plan = "plan";
    place.job = "job";
    place.timeline = "line";
    place.task = "task";
    message_.delivery.target.fields = azure::to_fields(place);
    message_.delivery.memo = R"({"run":9,"complete":1})";
    message_.secrets = {{"token", "job-token"}};
    message_.read_cases = []() -> Result<std::vector<CaseLine>> {
      return std::vector<CaseLine>{CaseLine{"s", {}}};
    };
    message_.list_files = [this]() -> Result<std::vector<GateFile>> { return files_; };
    message_.read_file = [this](const std::string& path, std::size_t) -> Result<std::string> {
      if (path == lost_) return fail(Code::unreachable, "lost");
      return "<" + path + ">";
    };
  }
  Outcome deliver(std::vector<Answer> answers) {
    http_ = TestHttp(std::move(answers));
    Outcome outcome = find_adapter(profile_.kind, "results")(message_, profile_, http_);
    if (!outcome.memo.empty()) message_.delivery.memo = outcome.memo;
    return outcome;
  }

  model::LinkProfile profile_;
  Message message_;
  std::vector<GateFile> files_{{"a.xml", 7, true}, {"b.txt", 7, true}, {"shots/x/1.png", 15, true}};
  std::string lost_;
  TestHttp http_;
};

TEST_F(AzureFiles, those_that_the_globs_name_are_attached) {
  const Outcome outcome = deliver({answer(200, R"({"value":[]})"), answer(200), answer(200)});
  EXPECT_EQ(outcome.kind, Kind::delivered);
  ASSERT_EQ(http_.sent.size(), 3U);
  EXPECT_EQ(http_.calls()[0], std::string("GET ") + kUrl);
  EXPECT_EQ(http_.calls()[1], std::string("POST ") + kUrl);
  EXPECT_EQ(http_.sent[1].body, R"({"stream":"PGEueG1sPg==","fileName":"a.xml","comment":"a.xml",)"
                                R"("attachmentType":"GeneralAttachment"})");
  EXPECT_NE(http_.sent[2].body.find(R"("fileName":"shots_x_1.png","comment":"shots/x/1.png")"),
            std::string::npos);
  // The same attempt again, after a crash before its end: they are there.
  message_.delivery.memo = R"({"run":9})";
  const Answer there =
      answer(200, R"({"value":[{"comment":"a.xml"},{"comment":"shots/x/1.png"}]})");
  EXPECT_EQ(deliver({answer(200, R"({"value":[]})"), answer(200), answer(200), there}).kind,
            Kind::delivered);
  EXPECT_EQ(http_.sent.size(), 4U);
  EXPECT_EQ(http_.calls()[2],
            "PATCH https://dev.azure.com/corp/p/_apis/test/Runs/9?api-version=7.1");
}

TEST_F(AzureFiles, nothing_is_asked_when_nothing_is_named) {
  profile_.attachments = {"*.png"};
  EXPECT_EQ(deliver({}).kind, Kind::delivered);
  profile_.attachments = {};
  EXPECT_EQ(deliver({}).kind, Kind::delivered);
  EXPECT_TRUE(http_.sent.empty());
}

TEST_F(AzureFiles, a_service_that_cannot_show_them_gets_few_twice) {
  files_.clear();
  for (int i = 10; i < 70; ++i) files_.push_back({fmt::format("{}.xml", i), 8, true});
  files_[3].size = 11 << 20;
  std::size_t posts = 0;
  int attempts = 0;
  for (Outcome outcome = later(Duration{0}, ""); outcome.kind == Kind::again; ++attempts) {
    ASSERT_LT(attempts, 20);
    outcome =
        deliver({answer(405), answer(200), answer(200), answer(413), answer(400), answer(200)});
    EXPECT_TRUE(outcome.kind == Kind::delivered || outcome.is_progress);
    posts += http_.sent.size() - 1;
  }
  EXPECT_EQ(posts, 50U);
  EXPECT_EQ(attempts, 10);
  EXPECT_EQ(Json(message_.delivery.memo).text("attached"), "60.xml");
}

TEST_F(AzureFiles, what_fails_is_tried_again_where_it_failed) {
  const Answer none = answer(200, R"({"value":[]})");
  EXPECT_EQ(deliver({none, answer(200), answer(503)}).error_class, ErrorClass::transient);
  EXPECT_EQ(Json(message_.delivery.memo).text("attached"), "a.xml");
  EXPECT_EQ(deliver({answer(503)}).error_class, ErrorClass::transient);
  EXPECT_EQ(deliver({none, answer(200)}).kind, Kind::delivered);
  message_.delivery.memo = R"({"run":9,"complete":1})";
  EXPECT_EQ(deliver({none, answer(403)}).error_class, ErrorClass::auth);
  message_.list_files = []() -> Result<std::vector<GateFile>> {
    return fail(Code::unreachable, "x");
  };
  EXPECT_EQ(deliver({}).error_class, ErrorClass::transient);
}

TEST_F(AzureFiles, a_file_that_is_not_ready_is_waited_for_but_not_for_ever) {
  const Answer none = answer(200, R"({"value":[]})");
  files_[0].is_ready = false;
  for (int i = 0; i < 30; ++i) {
    const Outcome outcome = deliver({none});
    ASSERT_EQ(outcome.kind, Kind::again) << i;
    EXPECT_EQ(outcome.after, Duration{10'000});
    EXPECT_TRUE(outcome.is_progress);
  }
  lost_ = "shots/x/1.png";
  EXPECT_EQ(deliver({none}).kind, Kind::delivered);
  EXPECT_EQ(http_.sent.size(), 1U);
}

}  // namespace
}  // namespace baton::links
