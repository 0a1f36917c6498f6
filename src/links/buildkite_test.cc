// SPDX-License-Identifier: MIT
#include "links/buildkite.h"

#include <gtest/gtest.h>

#include "links/peer_for_test.h"

namespace baton::links {
namespace {

using model::ErrorClass;
using model::LinkKind;
using Kind = Outcome::Kind;

constexpr const char* kFull = R"({"organization":"acme","pipeline":"shop","build":7,"job":"j-1",
    "fields":{"a":"b"},"cancel_on_failure":true})";
constexpr const char* kShort = R"({"job":"j-1"})";

Outcome deliver(TestHttp& http, const char* fields, bool passed = true) {
  model::LinkProfile p = profile_of(LinkKind::buildkite, "https://api.buildkite.com");
  p.token = {"bkua"};
  p.user = "umbrella";
  const Message message =
      passed ? message_of("unblock", fields) : failed_message_of("unblock", fields);
  return find_adapter(LinkKind::buildkite, "unblock")(message, p, http);
}
Outcome refused(int status, std::string text, std::string_view state) {
  TestHttp http({answer(status, std::move(text)),
                 answer(200, fmt::format(R"({{"jobs":[{{"id":"x","state":"passed"}},)"
                                         R"({{"id":"j-1","state":"{}"}}]}})",
                                         state))});
  return deliver(http, kFull);
}

TEST(Buildkite, a_passed_gate_unblocks_the_job) {
  TestHttp http({answer(200)});
  EXPECT_EQ(deliver(http, kFull).kind, Kind::delivered);
  EXPECT_EQ(http.calls()[0],
            "PUT https://api.buildkite.com/v2/organizations/acme/pipelines/shop/builds/7/jobs/j-1/"
            "unblock");
  EXPECT_EQ(http.sent[0].headers.get("Authorization"), "Bearer bkua");
  EXPECT_EQ(http.sent[0].body, R"({"fields":{"a":"b"}})");
  TestHttp short_form({answer(200)});
  deliver(short_form, kShort);
  EXPECT_EQ(short_form.calls()[0],
            "PUT https://api.buildkite.com/v2/organizations/umbrella/jobs/j-1/unblock");
}

TEST(Buildkite, another_verdict_leaves_it_blocked_or_cancels_the_build) {
  TestHttp none;
  const Outcome left = deliver(none, kShort, false);
  EXPECT_EQ(left.kind, Kind::delivered);
  EXPECT_FALSE(left.error.empty());
  EXPECT_TRUE(none.sent.empty());
  TestHttp http({answer(200)});
  EXPECT_EQ(deliver(http, kFull, false).kind, Kind::delivered);
  EXPECT_EQ(http.calls()[0],
            "PUT https://api.buildkite.com/v2/organizations/acme/pipelines/shop/builds/7/cancel");
  TestHttp over({answer(422)});
  EXPECT_EQ(deliver(over, kFull, false).kind, Kind::delivered);
}

TEST(Buildkite, a_refusal_is_explained_by_the_jobs_state) {
  constexpr const char* kNo = "This job type cannot be unblocked";
  EXPECT_EQ(refused(400, kNo, "unblocked").kind, Kind::delivered);
  EXPECT_EQ(refused(400, kNo, "waiting").kind, Kind::again);
  EXPECT_EQ(refused(400, kNo, "canceled").error_class, ErrorClass::peer_gone);
  EXPECT_EQ(refused(400, kNo, "running").error_class, ErrorClass::rejected);
  EXPECT_EQ(refused(422, "Jobs from canceled builds cannot be unblocked", "").error_class,
            ErrorClass::peer_gone);
  TestHttp unknown({answer(400, kNo)});
  EXPECT_EQ(deliver(unknown, kShort).error_class, ErrorClass::rejected);
}

TEST(Buildkite, a_target_is_checked) {
  const auto check = [](const char* fields) {
    return check_target(LinkKind::buildkite,
                        {.link = "buildkite/main", .op = "unblock", .fields = fields})
        .has_value();
  };
  EXPECT_TRUE(check(kFull));
  EXPECT_TRUE(check(kShort));
  EXPECT_FALSE(check("{}"));
  EXPECT_FALSE(check(R"({"job":"j","build":1})"));
  EXPECT_FALSE(check(R"({"job":"j","cancel_on_failure":true})"));
  EXPECT_FALSE(check(R"({"job":"j","fields":[]})"));
}

}  // namespace
}  // namespace baton::links
