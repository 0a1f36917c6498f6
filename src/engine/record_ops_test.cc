// SPDX-License-Identifier: MIT
#include "engine/record_ops.h"

#include <gtest/gtest.h>

#include "engine/context_ops.h"
#include "engine/op_world.h"

namespace baton::engine {
namespace {

using model::CaseVerdict;
using model::Ending;
using model::Outcome;
using model::RunState;
using model::RunVerdict;

struct OneRun : OpWorld {
  explicit OneRun(Rules rules_in = {}, model::Suite declared = {}) : OpWorld(rules_in) {
    if (declared.name.empty()) declared = suite("a");
    declare(declared);
    id = start("a").value().id;
  }
  RunId id{};
};

TEST(RecordOps, attempts_are_visible_while_the_run_goes_on) {
  OneRun w;
  const auto applied = w.post(w.id, 1,
                              RecordList{}
                                  .plan({"one", "two", "three"})
                                  .started("one")
                                  .finished("one", 1, Outcome::failed, false)
                                  .started("two"));
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_EQ(applied->acked, 4);
  const model::Run run = w.run_row(w.id);
  EXPECT_EQ(run.counts.total, 3);
  EXPECT_EQ(run.counts.pending, 3);
  const auto cases = w.cases(w.id);
  ASSERT_EQ(cases.size(), 3U);
  EXPECT_EQ(cases[0].name, "one");
  EXPECT_EQ(cases[0].attempts[0].outcome, Outcome::failed);
  EXPECT_EQ(cases[1].attempts[0].outcome, Outcome::running);
  EXPECT_TRUE(cases[2].attempts.empty());
}

TEST(RecordOps, a_retry_that_passes_is_flaky_and_the_run_passes) {
  OneRun w;
  ASSERT_TRUE(w.post(w.id, 1,
                     RecordList{}
                         .plan({"one", "two"})
                         .finished("one", 1, Outcome::failed, false)
                         .passed("two")
                         .finished("one", 2, Outcome::passed)
                         .end()));
  const model::Run run = w.run_row(w.id);
  EXPECT_EQ(run.verdict, RunVerdict::passed);
  EXPECT_TRUE(run.flaky);
  EXPECT_EQ(run.counts.flaky, 1);
  EXPECT_EQ(run.counts.passed, 1);
  EXPECT_EQ(run.counts.pending, 0);
}

TEST(RecordOps, a_batch_may_be_sent_again) {
  OneRun w;
  const RecordList batch = RecordList{}.plan({"one"}).passed("one");
  ASSERT_TRUE(w.post(w.id, 1, batch));
  const auto events = w.kinds().size();
  EXPECT_EQ(w.post(w.id, 1, batch)->acked, 2);
  EXPECT_EQ(w.kinds().size(), events);
  const auto gap = w.post(w.id, 1, RecordList{9}.end());
  EXPECT_EQ(gap.error().code, Code::invalid);
  ASSERT_TRUE(w.post(w.id, 1, RecordList{2}.passed("one").end()));
  // The answer was lost: the runner repeats its last words.
  EXPECT_EQ(w.post(w.id, 1, RecordList{3}.end())->acked, 3);
  EXPECT_EQ(w.post(w.id, 1, {}).error().code, Code::gone);
}

TEST(RecordOps, a_finished_attempt_never_changes) {
  OneRun w;
  ASSERT_TRUE(w.post(w.id, 1, RecordList{}.plan({"one"}).finished("one", 1, Outcome::failed)));
  ASSERT_TRUE(w.post(w.id, 1, RecordList{3}.passed("one").end()));
  EXPECT_EQ(w.cases(w.id)[0].attempts[0].outcome, Outcome::failed);
  EXPECT_EQ(w.run_row(w.id).verdict, RunVerdict::failed);
}

TEST(RecordOps, attempts_are_numbered_from_one) {
  OneRun w;
  const auto refused = w.post(w.id, 1, RecordList{}.plan({"one"}).started("one", 0));
  EXPECT_EQ(refused.error().code, Code::invalid);
}

TEST(RecordOps, what_a_hook_adds_to_a_run_keeps_the_limits_of_labels) {
  OneRun w;
  ASSERT_TRUE(w.post(w.id, 1, RecordList{}.plan({"one"}).passed("one").end()));
  const auto add = [&](std::string key, std::string value) {
    return w.run([&](Context& c) {
      return add_context(c, {.run = w.id, .test = "", .attempt = 0, .key = key, .value = value});
    });
  };
  EXPECT_TRUE(add("ticket", "T-1"));
  for (const auto& [key, value] :
       {std::pair<std::string, std::string>{std::string(101, 'k'), "x"}, {"a=b", "x"},
        {"k", "two\nlines"}, {"k", std::string(1'001, 'v')}})
    EXPECT_EQ(add(key, value).error().code, Code::invalid) << key;
  for (int i = 1; i < 100; ++i) EXPECT_TRUE(add(fmt::format("k{}", i), "x"));
  EXPECT_EQ(add("one-more", "x").error().code, Code::invalid);
  EXPECT_TRUE(add("ticket", "T-2")) << "it is replaced";
  const auto again = w.run([&](Context& c) { return rerun(c, w.rules, w.id, false, "me"); });
  EXPECT_TRUE(again) << again.error().message;
}

TEST(RecordOps, spans_values_and_places_are_kept) {
  OneRun w;
  model::AttemptFinished one;
  one.test = "one";
  one.outcome = Outcome::failed;
  one.message = "status == 201 (500 != 201)";
  one.file = "checkout.cc";
  one.line = 42;
  one.log_bytes = 12'345;
  one.at = from_ms(1'800'000'001'000);
  one.duration = Duration{700};
  one.spans = {{"POST /orders", from_ms(5), Duration{3}, {{"items", "3"}}}};
  one.values = {{"order", "77"}, {"and", "ümläut \xff"}};
  ASSERT_TRUE(w.post(w.id, 1, RecordList{}.plan({"one"}).add(one).end()));
  const model::Attempt got = w.cases(w.id)[0].attempts[0];
  EXPECT_EQ(got.message, one.message);
  EXPECT_EQ(got.file, one.file);
  EXPECT_EQ(got.line, 42);
  EXPECT_EQ(got.log_bytes, 12'345);
  EXPECT_EQ(got.started_at, one.at - one.duration);
  ASSERT_EQ(got.spans.size(), 1U);
  EXPECT_EQ(got.spans[0].context.at("items"), "3");
  ASSERT_EQ(got.values.size(), 2U);
  EXPECT_EQ(got.values[1].second, "ümläut \xEF\xBF\xBD");
}

TEST(RecordOps, the_endings_and_their_verdicts) {
  const auto end_with = [](Ending ending, RecordList records) {
    OneRun w;
    EXPECT_TRUE(w.post(w.id, 1, records.end(ending, "why")));
    EXPECT_EQ(w.deadlines(), 0);
    return w.run_row(w.id).verdict;
  };
  EXPECT_EQ(end_with(Ending::completed, RecordList{}.plan({})), RunVerdict::empty);
  EXPECT_EQ(end_with(Ending::setup_failed, RecordList{}.plan({"x"})), RunVerdict::errored);
  EXPECT_EQ(end_with(Ending::timed_out, RecordList{}.plan({"x"}).started("x")),
            RunVerdict::timed_out);
  EXPECT_EQ(end_with(Ending::cancelled, RecordList{}.plan({"x"}).passed("x")),
            RunVerdict::cancelled);
  // A runner that says it is done and left a case out is not believed.
  EXPECT_EQ(end_with(Ending::completed, RecordList{}.plan({"x", "y"}).passed("x")),
            RunVerdict::errored);
  EXPECT_EQ(end_with(Ending::completed,
                     RecordList{}.plan({"x"}).finished("x", 1, Outcome::failed, true, true)),
            RunVerdict::passed);
}

TEST(RecordOps, an_older_epoch_is_refused) {
  OneRun w;
  EXPECT_EQ(w.post(w.id, 2, {}).error().code, Code::conflict);
  ASSERT_TRUE(w.run([&](Context& c) { return runner_lost(c, w.rules, w.id, 1, "gone"); }));
  EXPECT_EQ(w.post(w.id, 1, {}).error().code, Code::conflict);
  EXPECT_EQ(w.claim(w.id, 1).error().code, Code::conflict);
  EXPECT_TRUE(w.claim(w.id, 2));
  EXPECT_EQ(w.post(RunId{99}, 1, {}).error().code, Code::not_found);
}

TEST(RecordOps, a_silent_runner_is_replaced_and_finished_attempts_stay) {
  OneRun w;
  ASSERT_TRUE(w.claim(w.id));
  ASSERT_TRUE(w.post(w.id, 1, RecordList{}.plan({"one", "two"}).passed("one").started("two")));
  w.advance(14s);
  ASSERT_TRUE(w.post(w.id, 1, {}));
  w.advance(14s);
  EXPECT_EQ(w.run_row(w.id).epoch, 1);
  w.advance(2s);
  const model::Run run = w.run_row(w.id);
  EXPECT_EQ(run.epoch, 2);
  EXPECT_EQ(run.resumes, 1);
  EXPECT_EQ(run.acked, 0);
  const auto job = w.claim(w.id, 2);
  ASSERT_TRUE(job);
  ASSERT_EQ(job->progress.size(), 2U);
  EXPECT_TRUE(job->progress[0].finished);
  EXPECT_FALSE(job->progress[1].finished);
  EXPECT_EQ(job->progress[1].attempts, 1);
  EXPECT_EQ(job->progress[1].counted, 0);
  const auto two = w.cases(w.id)[1];
  EXPECT_EQ(two.attempts[0].outcome, Outcome::errored);
  EXPECT_TRUE(two.attempts[0].interrupted);
  EXPECT_TRUE(holds(two.attempts[0].message, "interrupted (the runner was lost)"));
  ASSERT_TRUE(w.post(w.id, 2,
                     RecordList{}.plan({"one", "two"}).finished("two", 2, Outcome::passed).end()));
  EXPECT_EQ(w.run_row(w.id).verdict, RunVerdict::passed);
  EXPECT_FALSE(w.run_row(w.id).flaky);
}

TEST(RecordOps, what_the_lost_runner_had_spooled_replaces_the_interruption) {
  OneRun w;
  ASSERT_TRUE(w.post(w.id, 1, RecordList{}.plan({"one"}).started("one")));
  ASSERT_TRUE(w.run([&](Context& c) { return runner_lost(c, w.rules, w.id, 1, "gone"); }));
  ASSERT_TRUE(w.post(w.id, 2, RecordList{}.passed("one")));
  EXPECT_TRUE(w.claim(w.id, 2)->progress[0].finished);
  const auto one = w.cases(w.id)[0];
  EXPECT_EQ(one.attempts.size(), 1U);
  EXPECT_EQ(one.verdict, CaseVerdict::passed);
}

TEST(RecordOps, an_attempt_whose_end_was_lost_is_closed_by_the_next) {
  OneRun w;
  ASSERT_TRUE(w.run([&](Context& c) { return runner_lost(c, w.rules, w.id, 1, "gone"); }));
  // The start of attempt 1 came from the spool of the dead runner.
  ASSERT_TRUE(w.post(w.id, 2, RecordList{}.plan({"one"}).started("one", 1)));
  EXPECT_EQ(w.claim(w.id, 2)->progress[0].attempts, 1);
  ASSERT_TRUE(w.post(w.id, 2, RecordList{3}.started("one", 2)));
  EXPECT_TRUE(w.cases(w.id)[0].attempts[0].interrupted);
  ASSERT_TRUE(w.post(w.id, 2, RecordList{4}.finished("one", 2, Outcome::passed).end()));
  EXPECT_EQ(w.cases(w.id)[0].verdict, CaseVerdict::passed);
}

TEST(RecordOps, a_case_that_kills_its_runner_twice_has_used_up_its_attempts) {
  OneRun w;
  ASSERT_TRUE(w.post(w.id, 1, RecordList{}.plan({"bomb"}).started("bomb")));
  ASSERT_TRUE(w.run([&](Context& c) { return runner_lost(c, w.rules, w.id, 1, "died"); }));
  EXPECT_EQ(w.cases(w.id)[0].verdict, CaseVerdict::pending);
  ASSERT_TRUE(w.post(w.id, 2, RecordList{}.plan({"bomb"}).started("bomb", 2)));
  ASSERT_TRUE(w.run([&](Context& c) { return runner_lost(c, w.rules, w.id, 2, "died"); }));
  EXPECT_EQ(w.cases(w.id)[0].verdict, CaseVerdict::errored);
  EXPECT_TRUE(w.claim(w.id, 3)->progress[0].finished);
}

TEST(RecordOps, after_three_resumes_the_run_ends_errored) {
  OneRun w;
  w.advance(10min);
  const model::Run run = w.run_row(w.id);
  EXPECT_EQ(run.state, RunState::finished);
  EXPECT_EQ(run.verdict, RunVerdict::errored);
  EXPECT_EQ(run.resumes, model::kResumesMax);
  EXPECT_TRUE(holds(run.message, "lost"));
  EXPECT_EQ(w.deadlines(), 0);
}

TEST(RecordOps, a_cancelled_run_is_not_resumed) {
  OneRun w;
  ASSERT_TRUE(w.post(w.id, 1, RecordList{}.plan({"one"}).started("one")));
  ASSERT_TRUE(w.run([&](Context& c) { return cancel_run(c, w.rules, w.id, "enough"); }));
  w.advance(16s);
  EXPECT_EQ(w.run_row(w.id).verdict, RunVerdict::cancelled);
}

TEST(RecordOps, the_time_out_ends_a_run_whose_runner_does_not) {
  model::Suite suite = OpWorld{}.suite("a");
  suite.timeout = 60s;
  OneRun w({}, suite);
  ASSERT_EQ(w.claim(w.id)->time_left, Duration{60s});
  ASSERT_TRUE(w.post(w.id, 1, RecordList{}.plan({"one"}).started("one")));
  for (int i = 0; i < 7; ++i) {
    w.advance(13s);
    (void)w.post(w.id, 1, {});
  }
  EXPECT_EQ(w.claim(w.id)->time_left, Duration{0});
  w.advance(5s);
  EXPECT_EQ(w.run_row(w.id).verdict, RunVerdict::timed_out);
  EXPECT_EQ(w.cases(w.id)[0].attempts[0].outcome, Outcome::timed_out);
}

TEST(RecordOps, a_restart_gives_every_runner_its_full_time) {
  OneRun w;
  ASSERT_TRUE(w.post(w.id, 1, RecordList{}.plan({"one"}).started("one")));
  for (const Duration down : {Duration{17s}, Duration{1h}}) {
    w.restart(down);
    w.advance(14s);
    EXPECT_EQ(w.run_row(w.id).epoch, 1) << format_duration(down);
  }
  ASSERT_TRUE(w.post(w.id, 1, RecordList{3}.passed("one").end()));
  EXPECT_EQ(w.run_row(w.id).verdict, RunVerdict::passed);
}

TEST(RecordOps, an_executor_vouches_for_a_runner_that_is_long_in_coming) {
  OneRun w;
  for (int i = 0; i < 10; ++i) {
    w.advance(29s);
    ASSERT_TRUE(w.run([&](Context& c) { return runner_alive(c, w.rules, w.id, 1); }));
  }
  EXPECT_EQ(w.run_row(w.id).epoch, 1);
}

TEST(RecordOps, names_and_paths_that_cannot_be_are_refused) {
  OneRun w;
  EXPECT_EQ(w.post(w.id, 1, RecordList{}.plan({""})).error().code, Code::invalid);
  model::ArtifactRecord artifact{{"../x", 3, "text/plain", "", 0, "abc"}};
  EXPECT_EQ(w.post(w.id, 1, RecordList{}.add(artifact)).error().code, Code::invalid);
  EXPECT_EQ(w.run_row(w.id).acked, 0);
  EXPECT_TRUE(w.post(w.id, 1, RecordList{}.plan({"nul \x01 and \n are fine"})));
}

TEST(RecordOps, a_message_beyond_the_limit_is_cut) {
  OneRun w;
  model::AttemptFinished one;
  one.test = "one";
  one.outcome = Outcome::failed;
  one.message = std::string(1 << 20, 'x');
  ASSERT_TRUE(w.post(w.id, 1, RecordList{}.add(one).end()));
  EXPECT_LE(w.cases(w.id)[0].attempts[0].message.size(), store::kMessageMax + 10);
}

}  // namespace
}  // namespace baton::engine
