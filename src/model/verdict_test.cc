// SPDX-License-Identifier: MIT
#include "model/verdict.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace baton::model {
namespace {

using enum Outcome;

Attempt attempt(Outcome outcome, bool soft = false) {
  Attempt a;
  a.outcome = outcome;
  a.soft_failure = soft;
  return a;
}
Attempt interrupted() {
  Attempt a = attempt(errored);
  a.interrupted = true;
  return a;
}

CaseVerdict verdict(std::vector<Attempt> attempts, bool quarantined = false) {
  return verdict_of(attempts, true, quarantined);
}

CaseResult result_of(std::vector<Attempt> attempts, bool quarantined = false) {
  CaseResult result;
  result.verdict = verdict_of(attempts, true, quarantined);
  result.attempts = std::move(attempts);
  return result;
}

TEST(Verdict, the_last_attempt_counts) {
  EXPECT_EQ(verdict({attempt(passed)}), CaseVerdict::passed);
  EXPECT_EQ(verdict({attempt(failed), attempt(passed)}), CaseVerdict::flaky);
  EXPECT_EQ(verdict({attempt(timed_out), attempt(passed)}), CaseVerdict::flaky);
  EXPECT_EQ(verdict({attempt(failed), attempt(failed)}), CaseVerdict::failed);
  EXPECT_EQ(verdict({attempt(passed), attempt(failed)}), CaseVerdict::failed);
  EXPECT_EQ(verdict({attempt(failed), attempt(timed_out)}), CaseVerdict::timed_out);
  EXPECT_EQ(verdict({}), CaseVerdict::skipped);
}

TEST(Verdict, a_case_without_its_last_attempt_is_pending) {
  EXPECT_EQ(verdict_of(std::vector{attempt(failed)}, false, false), CaseVerdict::pending);
}

TEST(Verdict, a_retry_cannot_skip_a_failure_away) {
  EXPECT_EQ(verdict({attempt(failed), attempt(skipped)}), CaseVerdict::failed);
  EXPECT_EQ(verdict({attempt(skipped)}), CaseVerdict::skipped);
}

TEST(Verdict, an_interruption_is_neither_failure_nor_flake) {
  EXPECT_EQ(verdict({interrupted(), attempt(passed)}), CaseVerdict::passed);
  EXPECT_EQ(verdict({interrupted(), attempt(failed), attempt(passed)}), CaseVerdict::flaky);
  EXPECT_EQ(verdict({interrupted()}), CaseVerdict::errored);
  EXPECT_EQ(counted_attempts(std::vector{interrupted(), attempt(failed)}), 1);
  EXPECT_EQ(counted_attempts(std::vector{interrupted(), interrupted()}), 1);
  EXPECT_EQ(counted_attempts(std::vector{attempt(failed)}), 1);
}

TEST(Verdict, quarantine_takes_failures_out_of_the_run) {
  EXPECT_EQ(verdict({attempt(failed)}, true), CaseVerdict::quarantined_failure);
  EXPECT_EQ(verdict({attempt(errored)}, true), CaseVerdict::quarantined_failure);
  EXPECT_EQ(verdict({attempt(passed)}, true), CaseVerdict::passed);
  const std::vector cases{result_of({attempt(failed)}, true), result_of({attempt(passed)})};
  EXPECT_EQ(verdict_of_run(cases, Ending::completed, false), RunVerdict::passed);
}

TEST(Verdict, soft_failures_fail_the_case_but_not_the_run) {
  const std::vector cases{result_of({attempt(failed, true)})};
  EXPECT_EQ(cases[0].verdict, CaseVerdict::failed);
  EXPECT_EQ(verdict_of_run(cases, Ending::completed, false), RunVerdict::passed);
}

TEST(Verdict, of_a_run_by_precedence) {
  const std::vector bad{result_of({attempt(failed)}), result_of({attempt(errored)})};
  EXPECT_EQ(verdict_of_run(bad, Ending::cancelled, false), RunVerdict::cancelled);
  EXPECT_EQ(verdict_of_run(bad, Ending::timed_out, false), RunVerdict::timed_out);
  EXPECT_EQ(verdict_of_run(bad, Ending::errored, false), RunVerdict::failed);
  const std::vector erred{result_of({attempt(errored)})};
  EXPECT_EQ(verdict_of_run(erred, Ending::completed, false), RunVerdict::errored);
  const std::vector<CaseResult> none;
  EXPECT_EQ(verdict_of_run(none, Ending::completed, false), RunVerdict::empty);
  EXPECT_EQ(verdict_of_run(none, Ending::completed, true), RunVerdict::passed);
  EXPECT_EQ(verdict_of_run(none, Ending::setup_failed, true), RunVerdict::errored);
  const std::vector skips{result_of({attempt(skipped)})};
  EXPECT_EQ(verdict_of_run(skips, Ending::completed, false), RunVerdict::passed);
  std::vector<CaseResult> never{CaseResult{}};
  EXPECT_EQ(verdict_of_run(never, Ending::completed, false), RunVerdict::errored);
}

rc::Gen<Attempt> any_attempt() {
  return rc::gen::map(
      rc::gen::tuple(rc::gen::element(passed, failed, errored, skipped, timed_out, cancelled),
                     rc::gen::arbitrary<bool>(), rc::gen::inRange(0, 8)),
      [](const std::tuple<Outcome, bool, int>& t) {
        Attempt a = attempt(std::get<0>(t), std::get<1>(t));
        a.interrupted = a.outcome == errored && std::get<2>(t) == 0;
        return a;
      });
}

RC_GTEST_PROP(VerdictProperty, never_flaky_unless_one_passed_and_another_failed, ()) {
  const auto attempts = *rc::gen::container<std::vector<Attempt>>(any_attempt());
  if (verdict_of(attempts, true, false) != CaseVerdict::flaky) return;
  RC_ASSERT(std::any_of(attempts.begin(), attempts.end(),
                        [](const Attempt& a) { return a.outcome == passed; }));
  RC_ASSERT(std::any_of(attempts.begin(), attempts.end(), [](const Attempt& a) {
    return !a.interrupted &&
           (a.outcome == failed || a.outcome == errored || a.outcome == timed_out);
  }));
}

RC_GTEST_PROP(VerdictProperty, counts_add_up_to_the_total, ()) {
  std::vector<CaseResult> cases;
  for (const auto& attempts :
       *rc::gen::container<std::vector<std::vector<Attempt>>>(
           rc::gen::container<std::vector<Attempt>>(any_attempt())))
    cases.push_back(result_of(attempts, *rc::gen::arbitrary<bool>()));
  const Counts c = count(cases);
  RC_ASSERT(c.total == static_cast<int>(cases.size()));
  RC_ASSERT(c.passed + c.failed + c.errored + c.skipped + c.flaky + c.quarantined + c.pending ==
            c.total);
}

RC_GTEST_PROP(VerdictProperty, a_passed_run_has_no_hard_failure, ()) {
  std::vector<CaseResult> cases;
  for (const auto& attempts :
       *rc::gen::container<std::vector<std::vector<Attempt>>>(
           rc::gen::container<std::vector<Attempt>>(any_attempt())))
    cases.push_back(result_of(attempts));
  if (verdict_of_run(cases, Ending::completed, false) != RunVerdict::passed) return;
  RC_ASSERT(!cases.empty());
  for (const CaseResult& c : cases) {
    RC_ASSERT(c.verdict != CaseVerdict::errored);
    RC_ASSERT(c.verdict != CaseVerdict::failed || is_soft(c.attempts));
  }
}

}  // namespace
}  // namespace baton::model
