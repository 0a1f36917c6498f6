// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "model/booking.h"
#include "model/run.h"
#include "model/schedule.h"
#include "model/suite.h"
#include "model/token.h"
#include "model/verdict.h"

namespace baton::model {
namespace {

// Every enumerator up to `last` has a word that reads back as itself.
template <class E, class Parse>
void expect_words(E first, E last, Parse parse) {
  for (int i = static_cast<int>(first); i <= static_cast<int>(last); ++i) {
    const auto value = static_cast<E>(i);
    const auto back = parse(name_of(value));
    ASSERT_TRUE(back) << name_of(value);
    EXPECT_EQ(*back, value);
  }
}

TEST(Names, every_word_reads_back) {
  expect_words(Kind::cpp, Kind::command, parse_kind);
  expect_words(Isolate::suite, Isolate::per_case, parse_isolate);
  expect_words(SuiteSource::file, SuiteSource::adhoc, parse_suite_source);
  expect_words(RunState::queued, RunState::finished, parse_run_state);
  expect_words(RunVerdict::passed, RunVerdict::empty, parse_run_verdict);
  expect_words(Outcome::running, Outcome::cancelled, parse_outcome);
  expect_words(CaseVerdict::pending, CaseVerdict::quarantined_failure, parse_case_verdict);
  expect_words(Ending::completed, Ending::errored, parse_ending);
  expect_words(Overlap::skip, Overlap::allow, parse_overlap);
  expect_words(CatchUp::none, CatchUp::once, parse_catch_up);
  expect_words(Scope::runner, Scope::admin, parse_scope);
  expect_words(BookingKind::booking, BookingKind::blackout, parse_booking_kind);
}

TEST(Names, a_wrong_word_is_refused_with_the_nearest) {
  const auto kind = parse_kind("gtset");
  ASSERT_FALSE(kind);
  EXPECT_EQ(kind.error().code, Code::invalid);
  EXPECT_NE(kind.error().fix.find("did you mean gtest?"), std::string::npos) << kind.error().fix;
  EXPECT_FALSE(parse_run_verdict(""));
}

TEST(Names, scopes_cover_those_below_but_a_runner_only_itself) {
  EXPECT_TRUE(covers(Scope::admin, Scope::viewer));
  EXPECT_TRUE(covers(Scope::operator_, Scope::operator_));
  EXPECT_FALSE(covers(Scope::viewer, Scope::operator_));
  EXPECT_FALSE(covers(Scope::runner, Scope::viewer));
  EXPECT_FALSE(covers(Scope::admin, Scope::runner));
  EXPECT_TRUE(covers(Scope::runner, Scope::runner));
}

}  // namespace
}  // namespace baton::model
