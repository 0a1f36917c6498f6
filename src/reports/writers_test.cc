// SPDX-License-Identifier: MIT
// Writers: what they write reads back as the same attempts, whatever the texts hold.
#include <gtest/gtest.h>

#include "reports/report_text_for_test.h"
#include "reports/writer.h"

namespace baton::reports {
namespace {

using model::CaseVerdict;
using model::Outcome;

model::Attempt attempt(int number, Outcome outcome, std::string message = "") {
  model::Attempt out;
  out.number = number;
  out.outcome = outcome;
  out.message = std::move(message);
  out.duration = Duration{1250};
  out.started_at = from_ms(1'760'000'000'000);
  if (!out.message.empty()) out.file = "a.cc", out.line = 7;
  return out;
}

std::vector<model::CaseResult> cases() {
  std::vector<model::CaseResult> out;
  out.push_back({"passes", CaseVerdict::passed, false, false, {attempt(1, Outcome::passed)}});
  out.push_back({"flaky",
                 CaseVerdict::flaky,
                 true,
                 false,
                 {attempt(1, Outcome::failed, "first"), attempt(2, Outcome::errored, "second"),
                  attempt(3, Outcome::passed)}});
  out.push_back(
      {"fails <&> \"'",
       CaseVerdict::failed,
       false,
       false,
       {attempt(1, Outcome::timed_out, "slow"), attempt(2, Outcome::failed, "a\nb\x01\xff]]>")}});
  out.push_back(
      {"skips", CaseVerdict::skipped, false, false, {attempt(1, Outcome::skipped, "no server")}});
  out.push_back({"quarantined",
                 CaseVerdict::quarantined_failure,
                 false,
                 true,
                 {attempt(1, Outcome::failed, "known")}});
  out.push_back({"pending", CaseVerdict::pending, false, false, {}});
  return out;
}

model::Run run() {
  model::Run out;
  out.id = RunId{42};
  out.namespace_ = "pay";
  out.suite = "checkout";
  out.counts = {6, 1, 1, 0, 1, 1, 1, 1};
  out.started_at = from_ms(1'760'000'000'000);
  out.finished_at = from_ms(1'760'000'012'345);
  out.request.labels = {{"team", "a&b"}};
  out.request.reference = "build <7>";
  return out;
}

template <class Writer>
std::string written(Writer&& writer, std::string& out) {
  writer.begin(run());
  for (const auto& item : cases()) writer.add(item);
  EXPECT_TRUE(writer.end());
  return out;
}

Sink into(std::string& out) {
  return [&out](std::string_view text) -> Result<void> {
    out += text;
    return {};
  };
}

TEST(JunitWriter, every_attempt_reads_back) {
  std::string out;
  const auto output_of = [](const std::string&, int number) {
    return number == 1 ? std::string("said \x1b[31m<this>\n") : std::string();
  };
  written(JunitWriter(into(out), output_of), out);
  expect_golden("junit_written", out);
  const Report report = parsed(out);
  ASSERT_EQ(report.items.size(), 6u);
  EXPECT_EQ(report.items[0].name, "pay.checkout.passes");
  ASSERT_EQ(report.items[1].attempts.size(), 3u);
  EXPECT_TRUE(report.items[1].flaky());
  EXPECT_EQ(report.items[1].attempts[1].outcome, Outcome::errored);
  ASSERT_EQ(report.items[2].attempts.size(), 2u);
  EXPECT_EQ(report.items[2].name, "pay.checkout.fails <&> \"'");
  EXPECT_EQ(report.items[2].attempts[1].message, "a\nb\xEF\xBF\xBD\xEF\xBF\xBD]]>");
  EXPECT_EQ(report.items[3].attempts[0].message, "no server");
  EXPECT_EQ(report.items[4].outcome(), Outcome::skipped);
  EXPECT_EQ(report.items[5].outcome(), Outcome::skipped);
  EXPECT_TRUE(report.warnings.empty());
}

TEST(CtrfWriter, every_attempt_reads_back) {
  std::string out;
  written(CtrfWriter(into(out)), out);
  expect_golden("ctrf_written", out);
  const Report report = parsed(out);
  EXPECT_EQ(report.format, Format::ctrf);
  ASSERT_EQ(report.items.size(), 6u);
  EXPECT_EQ(report.items[0].name, "pay > checkout > passes");
  ASSERT_EQ(report.items[1].attempts.size(), 3u);
  EXPECT_TRUE(report.items[1].flaky());
  EXPECT_EQ(report.items[2].attempts.size(), 2u);
  EXPECT_TRUE(report.warnings.empty());
}

TEST(JunitWriter, the_first_error_of_the_sink_is_given_at_the_end) {
  int calls = 0;
  JunitWriter writer([&](std::string_view) -> Result<void> {
    ++calls;
    return fail(Code::unavailable, "disk full");
  });
  writer.begin(run());
  writer.add(cases()[0]);
  const auto ended = writer.end();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().message, "disk full");
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace baton::reports
