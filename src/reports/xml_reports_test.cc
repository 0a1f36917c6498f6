// SPDX-License-Identifier: MIT
// TRX, NUnit 3, xUnit v2: samples in the documented form.
#include <gtest/gtest.h>

#include "reports/report_text_for_test.h"

namespace baton::reports {
namespace {

using model::Outcome;

constexpr const char* kTrx = R"x(<?xml version="1.0" encoding="utf-8"?>
<TestRun id="1" name="r" xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
 <Results>
  <UnitTestResult testId="t1" testName="Adds" duration="00:00:01.2500000"
      startTime="2026-01-02T03:04:05.0000000+01:00" outcome="Passed"/>
  <UnitTestResult testId="t2" testName="Shop.Cart.Fails" duration="00:00:00.0010000"
      outcome="Failed">
   <Output><StdOut>printed</StdOut><ErrorInfo><Message>expected 1</Message>
     <StackTrace>at Shop.Cart.Fails() in C:\src\Cart.cs:line 12</StackTrace></ErrorInfo></Output>
   <ResultFiles><ResultFile path="host\shot.png"/></ResultFiles>
  </UnitTestResult>
  <UnitTestResult testId="t3" testName="Rows" outcome="Failed" resultType="DataDrivenTest">
   <InnerResults>
    <UnitTestResult testId="t3" testName="Rows (1)" outcome="Passed"/>
    <UnitTestResult testId="t3" testName="Rows (2)" outcome="Timeout"/>
   </InnerResults>
  </UnitTestResult>
  <UnitTestResult testId="t4" testName="Ignored" outcome="NotExecuted"/>
  <UnitTestResult testId="t5" testName="Odd"/>
 </Results>
 <TestDefinitions>
  <UnitTest id="t1" name="Adds"><TestMethod className="Shop.Math, Shop" name="Adds"/></UnitTest>
  <UnitTest id="t2" name="Fails"><TestMethod className="Shop.Cart" name="Fails"/></UnitTest>
 </TestDefinitions>
 <ResultSummary outcome="Failed"/>
</TestRun>)x";

TEST(Trx, results_get_the_class_of_their_definition) {
  const Report report = parsed(kTrx);
  EXPECT_EQ(report.format, Format::trx);
  ASSERT_EQ(report.items.size(), 6u);
  EXPECT_EQ(report.items[0].name, "Shop.Math.Adds");
  EXPECT_EQ(report.items[0].attempts[0].duration, Duration{1250});
  EXPECT_EQ(format_rfc3339(*report.items[0].attempts[0].started_at), "2026-01-02T02:04:05.000Z");
  EXPECT_EQ(report.items[1].name, "Shop.Cart.Fails");
  EXPECT_EQ(report.items[1].attempts[0].message, "expected 1");
  EXPECT_EQ(report.items[1].attempts[0].output, "printed");
  EXPECT_EQ(report.items[1].attachments, (std::vector<std::string>{"host\\shot.png"}));
  EXPECT_EQ(report.items[2].name, "Rows (1)");
  EXPECT_EQ(report.items[3].outcome(), Outcome::timed_out);
  EXPECT_EQ(report.items[4].outcome(), Outcome::skipped);
  EXPECT_EQ(report.items[5].outcome(), Outcome::errored);
  EXPECT_EQ(report.errored, "");
}

TEST(Trx, an_aborted_run_without_failures_is_errored) {
  const Report report = parsed(R"x(<TestRun><Results>
    <UnitTestResult testId="1" testName="a" outcome="Passed"/></Results>
    <ResultSummary outcome="Aborted"><RunInfos><RunInfo><Text>host crashed</Text></RunInfo>
      </RunInfos>
    </ResultSummary></TestRun>)x");
  EXPECT_EQ(report.errored, "the run ended as Aborted: host crashed");
}

TEST(Nunit, cases_fixtures_and_their_failures_are_read) {
  const Report report = parsed(R"x(<test-run id="2" result="Failed"><test-suite type="TestFixture"
      name="Cart" fullname="Shop.Cart" result="Failed" site="TearDown">
    <failure><message><![CDATA[TearDown : boom]]></message>
      <stack-trace>at Cart.cs:3</stack-trace></failure>
    <test-case name="Adds(1)" fullname="Shop.Cart.Adds(1)" classname="Shop.Cart" result="Passed"
      duration="0.25" start-time="2026-01-02 03:04:05Z"><output>hello</output>
      <properties><property name="Category" value="fast"/></properties></test-case>
    <test-case fullname="Shop.Cart.Fails" result="Failed"><failure><message>expected 1</message>
      <stack-trace>at Shop.Cart.Fails() Cart.cs:12</stack-trace></failure>
      <attachments><attachment><filePath>/tmp/shot.png</filePath></attachment></attachments>
      </test-case>
    <test-case fullname="Shop.Cart.Breaks" result="Failed" label="Error"/>
    <test-case fullname="Shop.Cart.Off" result="Skipped" label="Ignored"><reason>
      <message>later</message></reason></test-case>
    <test-case fullname="Shop.Cart.Unsure" result="Inconclusive"/>
    <test-case fullname="Shop.Cart.Stopped" result="Failed" label="Cancelled"/>
    </test-suite></test-run>)x");
  ASSERT_EQ(report.items.size(), 7u);
  EXPECT_EQ(report.items[0].name, "Shop.Cart.Adds(1)");
  EXPECT_EQ(report.items[0].attempts[0].output, "hello");
  EXPECT_EQ(report.items[0].attempts[0].duration, Duration{250});
  EXPECT_EQ(report.items[0].properties.at(0).second, "fast");
  EXPECT_EQ(report.items[1].attempts[0].message, "expected 1");
  EXPECT_EQ(report.items[1].attempts[0].line, 12);
  EXPECT_EQ(report.items[1].attachments.at(0), "/tmp/shot.png");
  EXPECT_EQ(report.items[2].outcome(), Outcome::errored);
  EXPECT_EQ(report.items[3].attempts[0].message, "later");
  EXPECT_EQ(report.items[4].outcome(), Outcome::skipped);
  EXPECT_EQ(report.items[5].outcome(), Outcome::cancelled);
  EXPECT_EQ(report.items[6].name, "Shop.Cart (TearDown)");
  EXPECT_EQ(report.items[6].attempts[0].message, "TearDown : boom");
}

TEST(Xunit, tests_and_errors_of_the_assembly_are_read) {
  const Report report = parsed(R"x(<assemblies><assembly name="shop.dll">
    <errors><error type="assembly-cleanup" name="fixture"><failure><message>no database</message>
      <stack-trace>at X.cs:1</stack-trace></failure></error></errors>
    <collection name="Cart"><test name="Shop.Cart.Adds(n: 1)" type="Shop.Cart" method="Adds"
      time="0.5" result="Pass">
        <traits><trait name="speed" value="fast"/></traits></test>
      <test name="Shop.Cart.Fails" type="Shop.Cart" result="Fail"><output>said</output>
        <failure exception-type="E"><message>expected 1</message>
      <stack-trace>at Cart.cs:12</stack-trace></failure></test>
      <test name="Shop.Cart.Off" result="Skip"><reason>later</reason></test>
    </collection></assembly></assemblies>)x");
  ASSERT_EQ(report.items.size(), 4u);
  EXPECT_EQ(report.items[0].name, "fixture");
  EXPECT_EQ(report.items[0].outcome(), Outcome::errored);
  EXPECT_EQ(report.items[1].name, "Shop.Cart.Adds(n: 1)");
  EXPECT_EQ(report.items[1].suite, "Cart");
  EXPECT_EQ(report.items[2].attempts[0].message, "expected 1");
  EXPECT_EQ(report.items[2].attempts[0].output, "said");
  EXPECT_EQ(report.items[3].attempts[0].message, "later");
}

TEST(Xml, a_document_of_another_kind_is_refused) {
  for (const Format format : {Format::trx, Format::nunit, Format::xunit, Format::catch2}) {
    EXPECT_EQ(refusal("<other/>", format).substr(0, 20), "unprocessable f:1:1:") << name_of(format);
  }
}

}  // namespace
}  // namespace baton::reports
