// SPDX-License-Identifier: MIT
#include "wire/job.h"

#include <gtest/gtest.h>

namespace baton::wire {
namespace {

model::Suite example_suite() {
  model::Suite suite;
  suite.namespace_ = "pay";
  suite.name = "checkout";
  suite.kind = model::Kind::gtest;
  suite.command = {"./checkout", "--flag"};
  suite.folder = "/srv/pay";
  suite.isolate = model::Isolate::per_case;
  suite.workers = 4;
  suite.timeout = Duration{60'000};
  suite.kill_grace = Duration{0};
  suite.reports = {"out/**/*.xml"};
  model::Case& item = suite.cases.emplace_back();
  item.name = "A.b";
  item.line = 3;
  item.timeout = Duration{7};
  return suite;
}

TEST(Job, everything_a_runner_needs_survives_the_wire) {
  Job job;
  job.run = RunId{42};
  job.epoch = 2;
  job.suite = example_suite();
  job.request.params = {{"url", "http://x"}};
  job.request.only = {"A.b"};
  job.request.max_attempts = 5;
  job.progress = {{"A.b", 1, 0, false}, {"A.c", 2, 2, true}};
  job.time_left = Duration{0};
  job.environment = "staging";
  job.variables = {{"BATON_ENV_HOST", "h"}};
  job.limits.artifacts = 3;
  const auto read = decode_job(encode_job(job));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->run, job.run);
  EXPECT_EQ(read->suite.isolate, model::Isolate::per_case);
  EXPECT_EQ(read->suite.kill_grace, Duration{0});
  EXPECT_EQ(read->suite.cases.at(0).timeout, Duration{7});
  EXPECT_EQ(read->request.params, job.request.params);
  EXPECT_EQ(read->request.max_attempts, 5);
  EXPECT_EQ(read->progress.at(1).attempts, 2);
  EXPECT_TRUE(read->progress.at(1).finished);
  EXPECT_EQ(read->time_left, Duration{0});
  EXPECT_EQ(read->variables, job.variables);
  EXPECT_EQ(read->limits.artifacts, 3);
}

TEST(Job, a_field_of_the_wrong_type_is_named) {
  const auto read = decode_job(R"({"run":"x","suite":{},"request":{}})");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::invalid);
  EXPECT_NE(read.error().message.find("run"), std::string::npos);
}

TEST(Job, discovery_may_hold_several_suites) {
  const auto read = decode_discovery(encode_discovery({{example_suite(), example_suite()}}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->suites.size(), 2u);
  EXPECT_EQ(read->suites[1].id(), "pay/checkout");
}

}  // namespace
}  // namespace baton::wire
