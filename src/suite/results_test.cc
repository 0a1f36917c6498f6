// SPDX-License-Identifier: MIT
#include "suite/results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "suite/junit.h"
#include "suite/options.h"
#include "suite/run.h"

namespace baton::suite {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

AttemptResult attempt(int number, Verdict outcome, bool soft = false) {
  AttemptResult result;
  result.number = number;
  result.outcome = outcome;
  result.soft_failure = soft;
  if (outcome != Verdict::passed) result.message = "it broke\nin two lines";
  return result;
}

struct World {
  SuiteSpec suite;
  CaseSpec test;
  World() {
    suite.namespace_ = "pay";
    suite.name = "checkout";
    test.name = "buys <tea> & \"cake\"";
    test.file = "a.cc";
  }
  std::vector<SuiteResult> with(std::vector<AttemptResult> attempts) const {
    SuiteResult result;
    result.suite = &suite;
    result.cases.push_back({&test, std::move(attempts)});
    return {result};
  }
};

TEST(Results, the_last_attempt_decides_and_a_pass_after_a_failure_is_flaky) {
  const World w;
  const auto verdict = [&](std::vector<AttemptResult> attempts) {
    return w.with(std::move(attempts))[0].cases[0].verdict();
  };
  EXPECT_EQ(verdict({}), Verdict::pending);
  EXPECT_EQ(verdict({attempt(1, Verdict::passed)}), Verdict::passed);
  EXPECT_EQ(verdict({attempt(1, Verdict::failed), attempt(2, Verdict::passed)}), Verdict::flaky);
  EXPECT_EQ(verdict({attempt(1, Verdict::failed), attempt(2, Verdict::errored)}), Verdict::errored);
  // A retry that skips itself does not turn a failure green.
  EXPECT_EQ(verdict({attempt(1, Verdict::failed), attempt(2, Verdict::skipped)}), Verdict::failed);
  EXPECT_EQ(verdict({attempt(1, Verdict::skipped)}), Verdict::skipped);
}

TEST(Results, exit_codes_tell_the_verdicts_apart) {
  const World w;
  const auto code = [&](std::vector<AttemptResult> attempts) {
    return exit_code_of(w.with(std::move(attempts)), true);
  };
  EXPECT_EQ(code({attempt(1, Verdict::passed)}), kExitPassed);
  EXPECT_EQ(code({attempt(1, Verdict::skipped)}), kExitPassed);
  EXPECT_EQ(code({attempt(1, Verdict::failed)}), kExitFailed);
  EXPECT_EQ(code({attempt(1, Verdict::timed_out)}), kExitFailed);
  EXPECT_EQ(code({attempt(1, Verdict::errored)}), kExitErrored);
  EXPECT_EQ(code({attempt(1, Verdict::failed, true)}), kExitPassed);
  EXPECT_EQ(code({attempt(1, Verdict::failed), attempt(2, Verdict::passed)}), kExitFlaky);
  EXPECT_EQ(exit_code_of({}, false), kExitEmpty);
  auto results = w.with({});
  results[0].ending = Ending::timed_out;
  EXPECT_EQ(exit_code_of(results, false), kExitTimedOut);
  results[0].ending = Ending::setup_failed;
  EXPECT_EQ(exit_code_of(results, false), kExitErrored);
}

TEST(Junit, retries_have_the_form_of_surefire) {
  const World w;
  const std::string flaky =
      junit_xml(w.with({attempt(1, Verdict::failed), attempt(2, Verdict::passed)}));
  EXPECT_THAT(flaky, HasSubstr("<flakyFailure message=\"it broke\" type=\"failed\""));
  EXPECT_THAT(flaky, Not(HasSubstr("<failure")));
  const std::string failed =
      junit_xml(w.with({attempt(1, Verdict::failed), attempt(2, Verdict::errored)}));
  EXPECT_THAT(failed, HasSubstr("<failure message=\"it broke\""));
  EXPECT_THAT(failed, HasSubstr("<rerunError message=\"it broke\" type=\"errored\""));
}

TEST(Junit, text_that_xml_cannot_hold_is_replaced) {
  const World w;
  AttemptResult bad = attempt(1, Verdict::failed);
  bad.output = std::string("nul \0 bell \a bad \xff <tag> & ]]>\nnext", 33);
  const std::string xml = junit_xml(w.with({bad}));
  EXPECT_THAT(xml, HasSubstr("name=\"buys &lt;tea&gt; &amp; &quot;cake&quot;\""));
  EXPECT_EQ(xml.find('\0'), std::string::npos);
  EXPECT_EQ(xml.find('\a'), std::string::npos);
  EXPECT_THAT(xml, HasSubstr("bad \xEF\xBF\xBD &lt;tag&gt; &amp; ]]&gt;"));
}

TEST(Junit, a_failed_setup_is_an_error_of_its_own) {
  const World w;
  auto results = w.with({});
  results[0].ending = Ending::setup_failed;
  results[0].message = "the setup failed: no database";
  const std::string xml = junit_xml(results);
  EXPECT_THAT(xml, HasSubstr("errors=\"1\""));
  EXPECT_THAT(xml, HasSubstr("<error message=\"the setup failed: no database\""));
}

TEST(Options, values_may_follow_or_be_attached) {
  const auto options = parse_run_options({"--filter", "a|b", "--workers=3", "--timeout", "1m30s",
                                          "--param", "k=v=w", "--seed", "9", "--suite", "x",
                                          "--suite=y", "-v", "--output=json", "--no-color"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->filter, "a|b");
  EXPECT_EQ(options->workers, 3);
  EXPECT_EQ(options->timeout_ms, 90'000);
  EXPECT_EQ(options->params[0].second, "v=w");
  EXPECT_EQ(options->seed, 9u);
  EXPECT_EQ(options->suites.size(), 2u);
  EXPECT_TRUE(options->verbose && options->json && !options->color);
}

TEST(Options, mistakes_are_named) {
  const auto error = [](std::vector<std::string_view> arguments) {
    const auto options = parse_run_options(arguments);
    return options ? std::string() : options.error().message + "|" + options.error().fix;
  };
  EXPECT_EQ(error({"--worker", "3"}), "unknown argument --worker|did you mean --workers?");
  EXPECT_THAT(error({"--workers", "65"}), HasSubstr("--workers: \"65\" is not a number"));
  EXPECT_THAT(error({"--workers"}), HasSubstr("needs a value"));
  EXPECT_THAT(error({"--shuffle=yes"}), HasSubstr("takes no value"));
  EXPECT_THAT(error({"--param", "novalue"}), HasSubstr("KEY=VALUE"));
  EXPECT_THAT(error({"stray"}), HasSubstr("unknown argument stray"));
}

TEST(Run, the_filter_is_re2_unanchored) {
  SuiteSpec suite;
  for (const char* name : {"buys_tea", "buys_cake", "refunds"}) {
    suite.cases.emplace_back();
    suite.cases.back().name = name;
  }
  EXPECT_EQ(select_cases(suite, "")->size(), 3u);
  EXPECT_EQ(select_cases(suite, "tea|ref")->size(), 2u);
  EXPECT_EQ(select_cases(suite, "^refunds$")->size(), 1u);
  EXPECT_EQ(select_cases(suite, "a(b").error().code, Code::invalid);
}

TEST(Run, one_seed_gives_one_order) {
  std::vector<CaseSpec> tests(50);
  std::vector<const CaseSpec*> in_order;
  for (const CaseSpec& test : tests) in_order.push_back(&test);
  auto first = in_order, again = in_order, other = in_order;
  shuffle(first, 7);
  shuffle(again, 7);
  shuffle(other, 8);
  EXPECT_EQ(first, again);
  EXPECT_NE(first, other);
  EXPECT_NE(first, in_order);
  EXPECT_TRUE(std::is_permutation(first.begin(), first.end(), in_order.begin()));
}

}  // namespace
}  // namespace baton::suite
