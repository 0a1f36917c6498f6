// SPDX-License-Identifier: MIT
// TAP and go test -json beyond what the captured files show.
#include <gtest/gtest.h>

#include "reports/listing.h"
#include "reports/report_text_for_test.h"

namespace baton::reports {
namespace {

using model::Outcome;

TEST(Tap, points_directives_and_blocks_are_read) {
  const Report report = parsed(
      "TAP version 13\n1..6\nok 1 - adds\n  ---\n  duration_ms: 12.5\n  ...\n"
      "not ok 2 - fails \\# 7\n  ---\n  message: 'expected 1'\n  at:\n    file: a.js\n    line: "
      "9\n  ...\n"
      "ok 3 # SKIP no network\nnot ok 4 - later # TODO write it\nok 5 - C# is fine\r\n"
      "not ok 6 - block\n  ---\n  error: |-\n    two\n    lines\n  location: '/x/b.js:3:1'\n  "
      "...\n");
  ASSERT_EQ(report.items.size(), 6u);
  EXPECT_EQ(report.errored, "");
  EXPECT_EQ(report.items[0].attempts[0].duration, Duration{13});
  EXPECT_EQ(report.items[1].name, "fails # 7");
  EXPECT_EQ(report.items[1].attempts[0].message, "expected 1");
  EXPECT_EQ(report.items[1].attempts[0].file, "a.js");
  EXPECT_EQ(report.items[1].attempts[0].line, 9);
  EXPECT_EQ(report.items[2].name, "test 3");
  EXPECT_EQ(report.items[2].outcome(), Outcome::skipped);
  EXPECT_EQ(report.items[3].outcome(), Outcome::skipped);
  EXPECT_EQ(report.items[3].attempts[0].message, "todo: write it");
  EXPECT_EQ(report.items[4].name, "C# is fine");
  EXPECT_EQ(report.items[5].attempts[0].message, "two\nlines");
  EXPECT_EQ(report.items[5].attempts[0].file, "/x/b.js");
}

TEST(Tap, a_repeated_description_is_another_case) {
  const Report report = parsed(
      "ok 1 - x\nnot ok 2 - x\n  ---\n  message: bad\n  ...\nok 3 - x\n1..3\n");
  ASSERT_EQ(report.items.size(), 3u);
  EXPECT_EQ(report.items[0].outcome(), Outcome::passed);
  EXPECT_EQ(report.items[1].name, "x#2");
  EXPECT_EQ(report.items[1].outcome(), Outcome::failed);
  EXPECT_EQ(report.items[1].attempts[0].message, "bad");
  EXPECT_EQ(report.items[2].name, "x#3");
}

TEST(Tap, an_unfulfilled_plan_is_errored) {
  EXPECT_EQ(parsed("1..3\nok 1\n").errored, "planned 3 tests and ran 1");
  EXPECT_EQ(parsed("1..1\nok 1\nok 2\n").errored, "planned 1 tests and ran 2");
  EXPECT_EQ(parsed("ok 1\nok 2\n").errored.substr(0, 21), "no plan after 2 tests");
  EXPECT_EQ(parsed("ok 1\nok 2\n1..2\n").errored, "");
  EXPECT_EQ(parsed("1..5\nok 1\nBail out! no database\n").errored, "bailed out: no database");
}

TEST(Tap, a_file_that_skips_itself_is_one_skipped_case) {
  const Report report = parsed("1..0 # SKIP no browser\n");
  ASSERT_EQ(report.items.size(), 1u);
  EXPECT_EQ(report.items[0].outcome(), Outcome::skipped);
  EXPECT_EQ(report.items[0].attempts[0].message, "no browser");
}

TEST(Tap, subtests_are_named_below_their_parent) {
  const Report announced = parsed(
      "TAP version 14\n# Subtest: cart\n    ok 1 - adds\n    # Subtest: deep\n        not ok 1 - "
      "x\n"
      "        1..1\n    not ok 2 - deep\n    1..2\nnot ok 1 - cart\n1..1\n");
  ASSERT_EQ(announced.items.size(), 2u);
  EXPECT_EQ(announced.items[0].name, "cart > adds");
  EXPECT_EQ(announced.items[1].name, "cart > deep > x");
  const Report bare =
      parsed("    ok 1 - adds\n    ok 2\n    1..2\nok 1 - cart\nnot ok 2 - alone\n1..2\n");
  ASSERT_EQ(bare.items.size(), 3u);
  EXPECT_EQ(bare.items[0].name, "cart > adds");
  EXPECT_EQ(bare.items[1].name, "cart > test 2");
  EXPECT_EQ(bare.items[2].name, "alone");
}

TEST(Tap, a_subtest_that_failed_by_itself_is_a_case) {
  const Report report = parsed("# Subtest: a\n    ok 1 - x\n    1..2\nnot ok 1 - a\n1..1\n");
  ASSERT_EQ(report.items.size(), 2u);
  EXPECT_EQ(report.items[1].name, "a");
  EXPECT_EQ(report.items[1].outcome(), Outcome::failed);
}

TEST(Tap, comments_behind_a_failure_explain_it) {
  const Report report = parsed(
      "1..1\nnot ok 1 - x\n#   Failed test 'x'\n#   at t/a.t line 3.\n#          got: '1'\n");
  const Attempt& attempt = report.items.at(0).attempts[0];
  EXPECT_EQ(attempt.message, "Failed test 'x'");
  EXPECT_EQ(attempt.file, "t/a.t");
  EXPECT_EQ(attempt.line, 3);
}

TEST(Tap, text_that_is_no_tap_is_refused) {
  EXPECT_EQ(refusal("hello\nworld\n", Format::tap),
            "unprocessable f:2:1: neither a plan nor a test point: this is no TAP");
}

std::string go(const std::string& action, const std::string& test, const std::string& more = "") {
  const std::string name = test.empty() ? "" : ",\"Test\":\"" + test + "\"";
  return "{\"Action\":\"" + action + "\",\"Package\":\"p\"" + name + more + "}\n";
}

TEST(Go, a_test_without_an_end_is_errored) {
  const Report report =
      parsed(go("run", "TestA") + go("run", "TestB") + go("pass", "TestB") + go("fail", ""));
  ASSERT_EQ(report.items.size(), 2u);
  EXPECT_EQ(report.items[0].name, "p.TestB");
  EXPECT_EQ(report.items[1].name, "p.TestA");
  EXPECT_EQ(report.items[1].outcome(), Outcome::errored);
  EXPECT_EQ(parsed(go("run", "TestA")).items.at(0).outcome(), Outcome::errored);
}

TEST(Go, a_package_that_fails_by_itself_is_a_case) {
  const Report report =
      parsed(go("output", "", ",\"Output\":\"panic: in init\\n\"") + go("fail", ""));
  ASSERT_EQ(report.items.size(), 1u);
  EXPECT_EQ(report.items[0].name, "p");
  EXPECT_EQ(report.items[0].outcome(), Outcome::errored);
  EXPECT_NE(report.items[0].attempts[0].details.find("panic: in init"), std::string::npos);
}

TEST(Go, build_failures_of_newer_versions_are_seen) {
  const Report report = parsed(
      "{\"ImportPath\":\"p\",\"Action\":\"build-output\",\"Output\":\"a.go:3:1: undefined: "
      "x\\n\"}\n"
      "{\"ImportPath\":\"p\",\"Action\":\"build-fail\"}\n" +
      go("start", "") + go("output", "", ",\"Output\":\"FAIL\\tp [build failed]\\n\"") +
      go("fail", "", ",\"FailedBuild\":\"p\""));
  ASSERT_EQ(report.items.size(), 1u);
  EXPECT_EQ(report.items[0].attempts[0].message, "build failed");
  EXPECT_NE(report.items[0].attempts[0].details.find("undefined: x"), std::string::npos);
}

TEST(Go, the_same_test_again_is_another_case) {
  const Report report = parsed(go("run", "T") + go("fail", "T") + go("run", "T") + go("pass", "T"));
  ASSERT_EQ(report.items.size(), 2u);
  EXPECT_EQ(report.items[1].name, "p.T#2");
}

// A mutated stream once left the first of the two open for ever.
TEST(Go, a_test_that_begins_again_before_its_end_ends_first) {
  const Report report = parsed(go("run", "T") + go("run", "T") + go("pass", "T"));
  ASSERT_EQ(report.items.size(), 2u);
  EXPECT_EQ(report.items[0].outcome(), Outcome::errored);
  EXPECT_EQ(report.items[1].outcome(), Outcome::passed);
}

TEST(Go, a_cut_line_is_refused) {
  EXPECT_EQ(refusal(go("run", "T") + "{\"Action\":\"pa"),
            "unprocessable f:2:1: the last line is cut");
}

TEST(Listing, failures_of_the_tools_are_errors) {
  auto go_list = list_go("# p\np/a_test.go:3:1: undefined: x\nFAIL\tp [build failed]\n");
  ASSERT_FALSE(go_list);
  EXPECT_NE(go_list.error().message.find("undefined: x"), std::string::npos);
  EXPECT_FALSE(list_pytest("=== ERRORS ===\nImportError\n"));
  EXPECT_FALSE(list_pytest("a.py::test_x\n\nERROR b.py - ImportError\n"));
  EXPECT_FALSE(list_ctest("{}"));
  EXPECT_FALSE(list_ctest("{"));
  EXPECT_FALSE(list_doctest("<x/>"));
  EXPECT_FALSE(list_playwright("no tests"));
  EXPECT_FALSE(list_playwright(R"({"suites":[],"errors":[{"message":"SyntaxError"}]})"));
}

TEST(Listing, of_nothing_is_empty) {
  EXPECT_EQ(list_gtest("Running main() from x.cc\n")->size(), 0u);
  EXPECT_EQ(list_catch2("")->size(), 0u);
  EXPECT_EQ(list_pytest("\nno tests collected in 0.01s\n")->size(), 0u);
  EXPECT_EQ(list_go("?   \tp\t[no test files]\n")->size(), 0u);
}

}  // namespace
}  // namespace baton::reports
