// SPDX-License-Identifier: MIT
// CTRF, Cucumber, and the defects of JSON documents.
#include <gtest/gtest.h>

#include "reports/limits.h"
#include "reports/report_text_for_test.h"

namespace baton::reports {
namespace {

using model::Outcome;

TEST(Ctrf, statuses_and_retries_become_attempts) {
  const Report report =
      parsed(R"({"reportFormat":"CTRF","specVersion":"1.0.0","results":{"tool":{"name":"x"},
    "summary":{"tests":4,"passed":2,"failed":1,"skipped":1,"pending":0,"other":0,"start":0,
      "stop":0},
    "tests":[{"name":"a","status":"passed","duration":12,"suite":["ui","cart"],"filePath":"a.ts",
      "line":3,
      "flaky":true,"retries":1,"retryAttempts":[{"attempt":1,"status":"failed","duration":5,
      "message":"boom",
      "attachments":[{"name":"s","contentType":"image/png","path":"shot.png"}]}]},
     {"name":"b","status":"failed","duration":1,"message":"no","trace":"at b.ts:9",
      "stdout":["one","two"]},
     {"name":"c","status":"skipped","duration":0},{"name":"d","status":"other","duration":0}]}})");
  EXPECT_EQ(report.format, Format::ctrf);
  ASSERT_EQ(report.items.size(), 4u);
  EXPECT_EQ(report.items[0].name, "ui > cart > a");
  EXPECT_TRUE(report.items[0].flaky());
  EXPECT_EQ(report.items[0].attempts[0].message, "boom");
  EXPECT_EQ(report.items[0].attempts[1].duration, Duration{12});
  EXPECT_EQ(report.items[0].attachments.at(0), "shot.png");
  EXPECT_EQ(report.items[1].attempts[0].line, 9);
  EXPECT_EQ(report.items[1].attempts[0].output, "one\ntwo\n");
  EXPECT_EQ(report.items[2].outcome(), Outcome::skipped);
  EXPECT_EQ(report.items[3].outcome(), Outcome::errored);
}

TEST(Ctrf, a_last_attempt_listed_among_the_retries_counts_once) {
  const Report report =
      parsed(R"({"reportFormat":"CTRF","results":{"tests":[{"name":"a","status":"passed",
    "duration":1,"retries":2,"flaky":true,"retryAttempts":[{"attempt":1,"status":"failed"},
    {"attempt":2,"status":"failed"},{"attempt":3,"status":"passed"}]}]}})");
  EXPECT_EQ(report.items.at(0).attempts.size(), 3u);
}

TEST(Ctrf, a_flaky_case_without_its_attempts_stays_flaky) {
  const Report report = parsed(
      R"({"results":{"tool":{},"tests":[{"name":"a","status":"passed","duration":1,"flaky":true,
      "retries":1}]}})");
  EXPECT_TRUE(report.items.at(0).flaky());
}

TEST(Cucumber, scenarios_end_as_their_steps) {
  const Report report = parsed(R"([{"uri":"f/cart.feature","name":"Cart","elements":[
    {"type":"background","steps":[{"keyword":"Given ","name":"a shop",
      "result":{"status":"passed","duration":1000000}}]},
    {"type":"scenario","name":"adds","line":3,"steps":[{"keyword":"When ","name":"x",
      "result":{"status":"passed","duration":2000000}}]},
    {"type":"scenario","name":"row","line":5,"steps":[{"keyword":"Then ","name":"y",
      "result":{"status":"failed","error_message":"expected 1\n f.rb:7"}},
      {"keyword":"And ","name":"z","result":{"status":"skipped"}}]},
    {"type":"scenario","name":"row","line":6,"steps":[{"keyword":"Given ","name":"u",
      "result":{"status":"undefined"}}]},
    {"type":"scenario","name":"later","line":8,"steps":[{"keyword":"Given ","name":"p",
      "result":{"status":"pending"}},
      {"keyword":"And ","name":"z","result":{"status":"skipped"}}]}]}])");
  ASSERT_EQ(report.items.size(), 4u);
  EXPECT_EQ(report.items[0].name, "Cart > adds");
  EXPECT_EQ(report.items[0].outcome(), Outcome::passed);
  EXPECT_EQ(report.items[0].attempts[0].duration, Duration{3});
  EXPECT_EQ(report.items[1].outcome(), Outcome::failed);
  EXPECT_EQ(report.items[1].attempts[0].file, "f.rb");
  EXPECT_EQ(report.items[2].name, "Cart > row:6");
  EXPECT_EQ(report.items[2].outcome(), Outcome::errored);
  EXPECT_EQ(report.items[2].attempts[0].message, "Given u: undefined");
  EXPECT_EQ(report.items[3].outcome(), Outcome::skipped);
}

TEST(Playwright, errors_outside_of_tests_make_the_run_errored) {
  const Report report = parsed(
      R"({"config":{},"suites":[],"errors":[{"message":"\u001b[31mSyntaxError\u001b[39m: x"}]})");
  EXPECT_EQ(report.errored, "SyntaxError: x");
}

TEST(Json, defects_are_refused_with_their_place) {
  EXPECT_EQ(refusal("{\"results\":\n {\"tests\":[}}", Format::ctrf),
            "unprocessable f:2:12: syntax error");
  EXPECT_EQ(refusal("{\"results\":", Format::ctrf),
            "unprocessable f:1:12: the document ends too early");
  EXPECT_EQ(refusal("{} x", Format::gtest), "unprocessable f:1:4: something follows the document");
  EXPECT_EQ(refusal("{}", Format::gtest).substr(0, 20), "unprocessable f:1:1:");
  EXPECT_EQ(refusal("[1]", Format::cucumber).substr(0, 20), "unprocessable f:1:1:");
  EXPECT_EQ(refusal(std::string(1'000'000, '['), Format::cucumber).substr(0, 16),
            "unprocessable f:");
}

TEST(Json, fields_of_another_type_are_taken_for_missing) {
  const Report report = parsed(
      R"({"results":{"tool":1,"summary":[],"tests":[{"name":7,"status":{},"duration":"x",
      "suite":{}},5]}})",
      Format::ctrf);
  ASSERT_EQ(report.items.size(), 2u);
  EXPECT_EQ(report.items[0].name, "(no name)");
  EXPECT_EQ(report.items[1].name, "(no name)#2");
}

TEST(Json, a_document_beyond_the_limit_is_too_large) {
  auto parser = make_parser(Format::gtest, "f", [](Case&&) {});
  const std::string piece(1 << 20, ' ');
  Result<void> fed;
  for (std::size_t i = 0; i <= kJsonBytesMax / piece.size() && fed; ++i) fed = parser->feed(piece);
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().code, Code::too_large);
}

}  // namespace
}  // namespace baton::reports
