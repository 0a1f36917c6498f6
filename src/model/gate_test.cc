// SPDX-License-Identifier: MIT
#include "model/gate.h"

#include <gtest/gtest.h>

#include "model/delivery.h"

namespace baton::model {
namespace {

TEST(Gate, needs_nothing_but_defaults) { EXPECT_TRUE(check_gate_request({})); }

TEST(Gate, names_every_field_that_is_wrong) {
  GateRequest request;
  request.timeout = Duration{0};
  request.subject.kind = SubjectKind::testkube;
  request.subject.testkube.tag = "a=b=c";
  request.labels["x=y"] = "";
  const auto checked = check_gate_request(request);
  ASSERT_FALSE(checked);
  std::string pointers;
  for (const ErrorDetail& detail : checked.error().details) pointers += detail.pointer + " ";
  EXPECT_EQ(pointers, "/subject/testkube/profile /subject/testkube/tag /timeout /labels/x=y ");
}

TEST(Gate, takes_one_way_to_name_a_testkube_execution) {
  GateRequest request;
  request.subject.kind = SubjectKind::testkube;
  request.subject.testkube = {"tk", "build=42", "", "", false, {}};
  EXPECT_TRUE(check_gate_request(request));
  request.subject.testkube.workflow = "smoke";
  EXPECT_FALSE(check_gate_request(request));
}

TEST(Gate, a_run_without_cases_has_not_passed) {
  EXPECT_EQ(gate_verdict_of(RunVerdict::empty), GateVerdict::errored);
  EXPECT_EQ(gate_verdict_of(RunVerdict::passed), GateVerdict::passed);
}

TEST(Delivery, waits_longer_each_time_up_to_a_limit) {
  const RetryRule rule;
  EXPECT_EQ(retry_wait(rule, 1, 1), Duration{1'000});
  EXPECT_EQ(retry_wait(rule, 3, 1), Duration{4'000});
  EXPECT_EQ(retry_wait(rule, 3, 0), Duration{2'000});
  EXPECT_EQ(retry_wait(rule, 60, 1), Duration{300'000});
}

}  // namespace
}  // namespace baton::model
