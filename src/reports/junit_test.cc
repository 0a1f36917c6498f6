// SPDX-License-Identifier: MIT
// Dialects and defects of JUnit XML that no tool at hand writes.
#include <gtest/gtest.h>

#include "reports/limits.h"
#include "reports/report_text_for_test.h"

namespace baton::reports {
namespace {

using model::Outcome;

Report one(const std::string& testcase, const std::string& suite = "<testsuite name=\"s\">") {
  return parsed(suite + testcase + "</testsuite>");
}

TEST(Junit, surefire_flaky_attempts_come_before_the_pass) {
  const Report report = one(
      R"(<testcase name="t" classname="a.B" time="0.2">
           <flakyFailure message="first" type="X"><stackTrace>at B.java:7</stackTrace>
             <system-out>out 1</system-out></flakyFailure>
           <flakyError type="Boom">old style text</flakyError>
           <system-out>out 3</system-out></testcase>)");
  ASSERT_EQ(report.items.size(), 1u);
  const Case& item = report.items[0];
  EXPECT_EQ(item.name, "a.B.t");
  EXPECT_TRUE(item.flaky());
  ASSERT_EQ(item.attempts.size(), 3u);
  EXPECT_EQ(item.attempts[0].outcome, Outcome::failed);
  EXPECT_EQ(item.attempts[0].message, "first");
  EXPECT_EQ(item.attempts[0].details, "at B.java:7");
  EXPECT_EQ(item.attempts[0].line, 7);
  EXPECT_EQ(item.attempts[0].output, "out 1");
  EXPECT_EQ(item.attempts[1].outcome, Outcome::errored);
  EXPECT_EQ(item.attempts[1].message, "old style text");
  EXPECT_EQ(item.attempts[2].outcome, Outcome::passed);
  EXPECT_EQ(item.attempts[2].output, "out 3");
}

TEST(Junit, surefire_reruns_come_after_the_failure) {
  const Report report = one(
      R"(<testcase name="t" classname="a.B"><failure message="1"/><rerunFailure message="2"
      time="1.5"/>
         <rerunError message="3"/></testcase>)");
  const Case& item = report.items.at(0);
  ASSERT_EQ(item.attempts.size(), 3u);
  EXPECT_EQ(item.attempts[1].duration, Duration{1500});
  EXPECT_EQ(item.attempts[2].outcome, Outcome::errored);
  EXPECT_FALSE(item.flaky());
}

TEST(Junit, failures_of_a_case_marked_flaky_are_its_earlier_attempts) {
  const Report report = one(
      R"(<testcase name="t" flaky="true"><failure message="a"/><failure message="b"/></testcase>)");
  EXPECT_EQ(report.items.at(0).attempts.size(), 3u);
  EXPECT_TRUE(report.items[0].flaky());
}

TEST(Junit, the_same_case_twice_is_two_cases) {
  const Report report = one(R"(<testcase name="t"/><testcase name="t"><failure/></testcase>
                               <testcase name="t#2"/><testcase name="t"/>)");
  ASSERT_EQ(report.items.size(), 4u);
  EXPECT_EQ(report.items[0].name, "s.t");
  EXPECT_EQ(report.items[1].name, "s.t#2");
  EXPECT_EQ(report.items[2].name, "s.t#2#2");
  EXPECT_EQ(report.items[3].name, "s.t#3");
  EXPECT_EQ(report.items[1].outcome(), Outcome::failed);
}

TEST(Junit, suites_nest_and_a_frame_around_them_is_ignored) {
  const Report report = parsed(R"(<report><testsuites><testsuite name="out" tests="2">
      <testsuite name="in"><testcase name="a"/></testsuite><testcase name="b" classname="C"/>
      </testsuite></testsuites></report>)");
  ASSERT_EQ(report.items.size(), 2u);
  EXPECT_EQ(report.items[0].suite, "out/in");
  EXPECT_EQ(report.items[0].name, "in.a");
  EXPECT_EQ(report.items[1].name, "C.b");
  EXPECT_TRUE(report.warnings.empty());
}

TEST(Junit, an_error_outside_of_cases_is_a_case) {
  const Report report = one(R"(<error message="no set-up">trace</error>)");
  ASSERT_EQ(report.items.size(), 1u);
  EXPECT_EQ(report.items[0].name, "s");
  EXPECT_EQ(report.items[0].outcome(), Outcome::errored);
}

TEST(Junit, a_status_without_an_element_is_believed) {
  const Report report =
      one(R"(<testcase name="a" status="failed"/><testcase name="b" status="skipped"/>
                               <testcase name="c" result="error"/><testcase name="d"
      status="passed"/>)");
  EXPECT_EQ(report.items[0].outcome(), Outcome::failed);
  EXPECT_EQ(report.items[1].outcome(), Outcome::skipped);
  EXPECT_EQ(report.items[2].outcome(), Outcome::errored);
  EXPECT_EQ(report.items[3].outcome(), Outcome::passed);
}

TEST(Junit, times_are_read_in_every_spelling) {
  const Report report = one(R"(<testcase name="a" time="1,234.5"/><testcase name="b" time="0,25"/>
      <testcase name="c" time=""/><testcase name="d" time="NaN"/><testcase name="e" time="-3"/>
      <testcase name="f" time="1e-2"/><testcase name="g" time="1,234"/>)");
  const std::int64_t expected[] = {1'234'500, 250, 0, 0, 0, 10, 1'234'000};
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_EQ(report.items[i].attempts[0].duration.count(), expected[i]) << i;
  }
}

TEST(Junit, counters_that_disagree_are_told) {
  const Report report = one("<testcase name=\"a\"/>", R"(<testsuite name="s" tests="11">)");
  ASSERT_EQ(report.warnings.size(), 1u);
  EXPECT_EQ(report.warnings[0], "suite \"s\" announces 11 tests and lists 1");
}

TEST(Junit, attachments_are_found_in_the_output) {
  const Report report =
      one("<testcase name=\"a\"><system-out>x [[ATTACHMENT|../a "
          "b.png]]\n[[ATTACHMENT|c]]</system-out></testcase>");
  EXPECT_EQ(report.items[0].attachments, (std::vector<std::string>{"../a b.png", "c"}));
}

TEST(Junit, a_suite_without_cases_has_none) { EXPECT_EQ(one("").items.size(), 0u); }

TEST(Junit, utf16_and_latin1_are_read) {
  const std::string text =
      "<?xml version=\"1.0\" encoding=\"UTF-16\"?><testsuite name=\"s\"><testcase "
      "name=\"\xC3\xBC\"/></testsuite>";
  std::string wide = "\xFF\xFE";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool umlaut = text[i] == '\xC3';
    wide += umlaut ? '\xFC' : text[i];
    wide += '\0';
    if (umlaut) ++i;
  }
  EXPECT_EQ(parsed(wide).items.at(0).name, "s.ü");
  const std::string latin =
      "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><testsuite name=\"s\"><testcase "
      "name=\"\xFC\"/></testsuite>";
  EXPECT_EQ(parsed(latin).items.at(0).name, "s.ü");
  EXPECT_EQ(
      parsed("\xEF\xBB\xBF<testsuite name=\"s\"><testcase name=\"a\"/></testsuite>").items.size(),
      1u);
}

TEST(Junit, control_bytes_are_replaced_and_told) {
  const Report report = one("<testcase name=\"a\"><system-out>\x1b[31mred</system-out></testcase>");
  EXPECT_EQ(report.items[0].attempts[0].output, "?[31mred");
  EXPECT_EQ(report.warnings.size(), 1u);
}

TEST(Junit, defects_are_refused_with_their_place) {
  EXPECT_EQ(refusal("<testsuite>\n <testcase name='a'>\n</testsuite>"),
            "unprocessable f:3:3: mismatched tag");
  EXPECT_EQ(refusal("<testsuite><testcase name='a' name='b'/>"),
            "unprocessable f:1:31: duplicate attribute");
  EXPECT_EQ(refusal("<testsuite><testcase name='a'/>"), "unprocessable f:1:32: no element found");
  EXPECT_EQ(refusal("<testsuite>\n\xff</testsuite>"),
            "unprocessable f:2:1: not well-formed (invalid token)");
  EXPECT_EQ(refusal("<a/>", Format::junit),
            "unprocessable f:1:1: no testsuite element: this is no JUnit report");
  EXPECT_EQ(refusal(""), "unprocessable f:1:1: the report is empty");
  EXPECT_EQ(refusal("hello"), "unprocessable f:1:1: the format is not recognised");
}

TEST(Junit, a_doctype_is_refused_in_every_encoding) {
  const std::string laughs =
      "<!DOCTYPE r [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><testsuite name='&b;'/>";
  EXPECT_NE(refusal(laughs).find("DOCTYPE"), std::string::npos);
  EXPECT_NE(refusal("<?xml version='1.0'?><!DOCTYPE r SYSTEM 'file:///etc/passwd'><testsuite/>")
                .find("DOCTYPE"),
            std::string::npos);
  std::string wide = "\xFE\xFF";
  for (const char c : laughs) {
    wide += '\0';
    wide += c;
  }
  EXPECT_NE(refusal(wide).find("DOCTYPE"), std::string::npos);
}

TEST(Junit, depth_attributes_and_tags_have_limits) {
  std::string deep;
  for (int i = 0; i < 1'000'000; ++i) deep += "<testsuite>";
  EXPECT_NE(refusal(deep).find("deeper than 64"), std::string::npos);
  std::string attributes = "<testsuite";
  for (int i = 0; i < 300; ++i) attributes += fmt::format(" a{}=''", i);
  EXPECT_NE(refusal(attributes + "/>").find("256 attributes"), std::string::npos);
  const std::string tag = "<testsuite name='" + std::string(kXmlTokenMax * 2, 'x') + "'/>";
  EXPECT_NE(refusal(tag).find("a tag or comment longer"), std::string::npos);
}

TEST(Junit, what_is_too_long_is_cut_and_says_so) {
  const Report report = one("<testcase name='" + std::string(5'000, 'n') + "'><failure message='" +
                            std::string(kMessageKept * 2, 'm') + "'>" +
                            std::string(kDetailsKept * 2, 'd') + "</failure><system-out>" +
                            std::string(kOutputKept * 2, 'o') + "</system-out></testcase>");
  const Case& item = report.items.at(0);
  EXPECT_EQ(item.name.size(), kNameKept - 20 + 3 + 12);
  EXPECT_LE(item.attempts[0].message.size(), kMessageKept);
  EXPECT_LE(item.attempts[0].details.size(), kDetailsKept + 100);
  EXPECT_NE(item.attempts[0].output.find("bytes left out]"), std::string::npos);
}

TEST(Junit, a_partial_report_gives_what_came_before_the_defect) {
  auto report =
      parse("<testsuite name='s'><testcase name='a'/><testcase name='b'>", {.partial = true});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->items.size(), 1u);
  EXPECT_NE(report->errored.find("not whole: report:1:"), std::string::npos);
}

// 40 MB go through in pieces; what is held is one case and the hashes of the names.
TEST(Junit, a_huge_report_needs_little_memory) {
  std::size_t cases = 0;
  auto parser = make_parser(Format::junit, "huge", [&](Case&&) { ++cases; });
  ASSERT_TRUE(parser->feed("<testsuites><testsuite name='s'>"));
  const std::string output(20'000, 'x');
  for (int i = 0; i < 2'000; ++i) {
    const std::string piece =
        fmt::format("<testcase name='case {}'><system-out>{}</system-out></testcase>", i, output);
    ASSERT_TRUE(parser->feed(piece));
  }
  ASSERT_TRUE(parser->feed("</testsuite></testsuites>"));
  ASSERT_TRUE(parser->finish());
  EXPECT_EQ(cases, 2'000u);
}

}  // namespace
}  // namespace baton::reports
