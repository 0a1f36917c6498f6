// SPDX-License-Identifier: MIT
#include "wire/gate_json.h"

#include <gtest/gtest.h>

namespace baton::wire {
namespace {

using model::SubjectKind;

TEST(GateJson, reads_every_kind_of_subject) {
  EXPECT_EQ(parse_gate_request(R"({"subject":{"run":7}})")->subject.run, RunId{7});
  EXPECT_EQ(parse_gate_request(R"({"subject":{"external":true}})")->subject.kind,
            SubjectKind::external);
  const auto suite =
      parse_gate_request(R"({"subject":{"suite":"pay/shop","params":{"a":"b"}},"timeout":"2h"})");
  ASSERT_TRUE(suite);
  EXPECT_EQ(suite->subject.suite.suite, "pay/shop");
  EXPECT_EQ(suite->subject.suite.params.at("a"), "b");
  const auto testkube =
      parse_gate_request(R"({"subject":{"testkube":{"profile":"tk","tag":"a=b","policy":"all"}}})");
  ASSERT_TRUE(testkube);
  EXPECT_TRUE(testkube->subject.testkube.all);
}

TEST(GateJson, a_target_has_one_operation_of_its_link) {
  const auto request = parse_gate_request(
      R"({"subject":{"external":true},"deliver":[{"link":"gocd/main","run_stage":{"pipeline":"p"},
          "when":"passed"},{"link":"webhook/ci"}]})");
  ASSERT_TRUE(request);
  ASSERT_EQ(request->deliver.size(), 2U);
  EXPECT_EQ(request->deliver[0].op, "run_stage");
  EXPECT_EQ(request->deliver[0].fields, R"({"pipeline":"p"})");
  EXPECT_EQ(request->deliver[0].when, model::When::passed);
  EXPECT_EQ(request->deliver[1].op, "");
  EXPECT_FALSE(parse_gate_request(
      R"({"subject":{"external":true},"deliver":[{"link":"a","status":{},"comment":{}}]})"));
}

TEST(GateJson, a_target_may_name_its_link_in_two_parts) {
  const auto request = parse_gate_request(
      R"({"subject":{"external":true},"deliver":[{"link":"webhook","profile":"ci"}]})");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->deliver[0].link, "webhook/ci");
}

TEST(GateJson, refuses_what_is_no_gate) {
  EXPECT_FALSE(parse_gate_request("{}"));
  EXPECT_FALSE(parse_gate_request(R"({"subject":{}})"));
  EXPECT_FALSE(parse_gate_request(R"({"subject":{"run":1,"external":true}})"));
  EXPECT_FALSE(parse_gate_request(R"({"subject":{"external":true},"on_timeout":"errored"})"));
  EXPECT_FALSE(parse_gate_request(R"({"subject":{"external":true},"timeout":"0s"})"));
  EXPECT_FALSE(parse_gate_request(R"({"subject":{"external":true},"color":"red"})"));
}

TEST(GateJson, an_inbound_tag_stands_for_the_subject_of_the_link) {
  const std::string defaults =
      R"({"subject":{"testkube":{"profile":"tk","workflow":"w"}},"timeout":"2h",)"
      R"("labels":{"a":"b"}})";
  const auto request = parse_inbound_request(R"({"tag":"build=42"})", defaults);
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->subject.testkube.profile, "tk");
  EXPECT_EQ(request->subject.testkube.tag, "build=42");
  EXPECT_EQ(request->subject.testkube.workflow, "");
  EXPECT_EQ(request->timeout, std::chrono::hours{2});
  EXPECT_EQ(request->labels.at("a"), "b");
  const auto whole =
      parse_inbound_request(R"({"subject":{"testkube":{"workflow":"other"}}})", defaults);
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->subject.testkube.profile, "tk");
  EXPECT_EQ(whole->subject.testkube.workflow, "other");
  EXPECT_EQ(parse_inbound_request(R"({"subject":{"run":7}})", defaults)->subject.run, RunId{7});
  EXPECT_FALSE(parse_inbound_request(R"({"tag":"build=42"})", "{}"));
}

TEST(GateJson, an_inbound_body_wins_over_the_defaults_and_may_be_empty) {
  const std::string defaults = R"({"subject":{"suite":"a/b"},"timeout":"2h"})";
  EXPECT_EQ(parse_inbound_request("", defaults)->subject.suite.suite, "a/b");
  EXPECT_EQ(parse_inbound_request(R"({"timeout":"5m"})", defaults)->timeout,
            std::chrono::minutes{5});
  EXPECT_EQ(parse_inbound_request("", "{}")->subject.kind, SubjectKind::external);
  EXPECT_FALSE(parse_inbound_request(R"({"deliver":[]})", "{}"));
}

TEST(GateJson, reads_verdicts_with_what_is_kept_elsewhere) {
  const auto request = parse_verdict_request(
      R"({"verdict":"failed","reason":"2 red",)"
      R"("artifacts":[{"path":"a/b.png","url":"http://x/1"}]})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->verdict, model::GateVerdict::failed);
  EXPECT_EQ(request->artifacts[0].first, "a/b.png");
  EXPECT_FALSE(parse_verdict_request(R"({"verdict":"green"})"));
  EXPECT_FALSE(parse_verdict_request(R"({"verdict":""})"));
  EXPECT_FALSE(parse_verdict_request(R"x({"verdict":"passed","url":"javascript:alert(1)"})x"));
}

}  // namespace
}  // namespace baton::wire
