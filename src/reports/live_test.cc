// SPDX-License-Identifier: MIT
// Live output: crashes in the middle, output without newlines, words of the tools in test output.
#include <gtest/gtest.h>

#include <set>

#include "reports/report_text_for_test.h"

namespace baton::reports {
namespace {

TEST(Live, a_test_that_crashes_is_errored_with_the_reason) {
  EXPECT_EQ(
      follow(model::Kind::gtest, "[ RUN      ] A.b\nhello\n", "killed by signal 11 (SIGSEGV)"),
      "START A.b\nA.b| [ RUN      ] A.b\nA.b| hello\nEND A.b errored \"killed by signal 11 "
      "(SIGSEGV)\"\n");
  EXPECT_EQ(follow(model::Kind::pytest, "t/a.py::test_x "),
            "START t/a.py::test_x\nt/a.py::test_x| t/a.py::test_x ~\nEND t/a.py::test_x errored "
            "\"cut\"\n");
  EXPECT_EQ(follow(model::Kind::ctest, "    Start 1: x\n1: hi\n"),
            "START x\nx|     Start 1: x\nx| 1: hi\nEND x errored \"cut\"\n");
  EXPECT_EQ(follow(model::Kind::catch2,
                   "    <TestCase name=\"a &lt;b>\" filename=\"x.cc\" line=\"1\">\nhi\n"),
            "START a <b>\na <b>| hi\nEND a <b> errored \"cut\"\n");
}

TEST(Live, words_of_gtest_in_the_output_of_a_test_change_nothing) {
  EXPECT_EQ(
      follow(model::Kind::gtest,
             "[ RUN      ] A.b\n[       OK ] A.bc (1 ms)\n[  FAILED  ] X.y\nab[       OK ] A.b (12 "
             "ms)\n"),
      "START A.b\nA.b| [ RUN      ] A.b\nA.b| [       OK ] A.bc (1 ms)\nA.b| [  FAILED  ] X.y\n"
      "A.b| ab[       OK ] A.b (12 ms)\nEND A.b passed\n");
}

TEST(Live, tests_of_ctest_run_side_by_side) {
  EXPECT_EQ(follow(model::Kind::ctest,
                   "    Start 1: a\n    Start 2: b\n2: two\n1: one\n1/2 Test #2: b .....   Passed  "
                   "  0.10 sec\n"
                   "2/2 Test #1: a .....***Timeout   1.00 sec\n"),
            "START a\na|     Start 1: a\nSTART b\nb|     Start 2: b\nb| 2: two\na| 1: one\nPLAN 2\n"
            "b| 1/2 Test #2: b .....   Passed    0.10 sec\nEND b passed\n"
            "a| 2/2 Test #1: a .....***Timeout   1.00 sec\nEND a timed_out \"timeout\"\n");
}

TEST(Live, xml_between_the_output_of_a_doctest_suite_is_taken_out) {
  EXPECT_EQ(
      follow(model::Kind::doctest,
             "<?xml version=\"1.0\"?>\n<doctest binary=\"x\">\n  <TestSuite>\n"
             "    <TestCase name=\"a\" filename=\"x.cc\" line=\"1\">\n5 < 6 and 7 > 6\nno newline"
             "      <Expression success=\"false\" type=\"CHECK\" filename=\"x.cc\" line=\"2\">\n"
             "        <Original>\n          a &lt; b\n        </Original>\n"
             "        <Expanded>\n          1 &lt; 0\n        </Expanded>\n      </Expression>\n"
             "      <OverallResultsAsserts successes=\"0\" failures=\"1\" "
             "test_case_success=\"false\" duration=\"0.5\"/>\n"
             "    </TestCase>\n    <TestCase name=\"b\" skipped=\"true\"/>\n"),
      "START a\na| 5 < 6 and 7 > 6\na| no newline~\na| x.cc:2: CHECK( a < b )\nwith 1 < 0\n"
      "END a failed at x.cc:2 \"CHECK( a < b )\\nwith 1 < 0\"\nSTART b\nEND b skipped\n");
}

TEST(Live, tap_points_are_cases_as_they_come) {
  EXPECT_EQ(
      follow(model::Kind::tap, "1..2\nstarting\nok 1 - a\nnot ok 2 - b\n# why\n"),
      "| 1..2\nPLAN 2\n| starting\nSTART a\na| ok 1 - a\nEND a passed\nSTART b\nb| not ok 2 - b\n"
      "b| # why\nEND b failed \"why\"\n");
  EXPECT_EQ(
      follow(model::Kind::tap, "1..2\nok 1 - a\nBail out! x\n"),
      "| 1..2\nPLAN 2\nSTART a\na| ok 1 - a\nEND a passed\n| Bail out! x\nBAIL bailed out: x\n");
}

TEST(Live, output_of_other_kinds_is_the_suites) {
  EXPECT_EQ(follow(model::Kind::command, "[ RUN      ] A.b\n\x01\xff"),
            "| [ RUN      ] A.b\n| \x01\xff~\n");
}

// Whatever comes, every byte is given back once (kinds that do not unwrap), and what starts ends.
TEST(Live, nothing_is_lost_of_garbage) {
  std::string garbage;
  unsigned state = 7;
  const std::string words[] = {"[ RUN      ] A.b",
                               "[       OK ] A.b (1 ms)",
                               "ok 1 - x",
                               "not ok",
                               "1..3",
                               "    ---",
                               "  ...",
                               "a.py::t[x] PASSED",
                               "1/2 Test #1: a .. Passed 0.1 sec",
                               "    Start 1: a",
                               "# Subtest: s",
                               "\n",
                               "\n",
                               "\n",
                               "1: x",
                               "\xff\xfe",
                               "Bail out!"};
  for (int i = 0; i < 20'000; ++i) {
    state = state * 1664525u + 1013904223u;
    garbage += words[(state >> 16) % std::size(words)];
  }
  for (const model::Kind kind :
       {model::Kind::gtest, model::Kind::pytest, model::Kind::ctest, model::Kind::tap}) {
    std::string seen;
    std::multiset<std::string> open;
    auto parser = make_live_parser(kind);
    const auto on_event = [&](const LiveEvent& event) {
      if (event.kind == LiveEvent::Kind::case_output) seen += event.text;
      if (event.kind == LiveEvent::Kind::case_started) open.emplace(event.test);
      if (event.kind == LiveEvent::Kind::case_finished) {
        const auto found = open.find(std::string(event.test));
        ASSERT_NE(found, open.end()) << event.test;
        open.erase(found);
      }
    };
    for (std::size_t at = 0; at < garbage.size();) {
      const auto end = std::min(garbage.find('\n', at), garbage.size() - 1) + 1;
      parser->line(std::string_view(garbage).substr(at, end - at), on_event);
      at = end;
    }
    parser->finish("over", on_event);
    EXPECT_EQ(seen, garbage);
    EXPECT_TRUE(open.empty());
  }
}

}  // namespace
}  // namespace baton::reports
