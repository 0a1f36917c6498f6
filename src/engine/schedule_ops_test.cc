// SPDX-License-Identifier: MIT
#include "engine/schedule_ops.h"

#include <gtest/gtest.h>

#include "engine/op_world.h"

namespace baton::engine {
namespace {

using model::CatchUp;
using model::Overlap;

struct Clockwork : OpWorld {
  explicit Clockwork(Rules rules_in = {.running_runs = 100}) : OpWorld(rules_in) {
    declare(suite("a"));
    rules.runner_ttl = rules.runner_start = std::chrono::days{1000};
  }
  model::Schedule every(Duration interval) {
    model::Schedule schedule;
    schedule.name = "tick";
    schedule.suite = "a";
    schedule.every = interval;
    return schedule;
  }
  Result<model::Schedule> put(const model::Schedule& schedule) {
    return run([&](Context& c) { return declare_schedule(c, rules, schedule); });
  }
  model::Schedule get() { return get_schedule(sql(), "tick").value(); }
  void end(RunId id) { ASSERT_TRUE(post(id, 1, RecordList{}.plan({"x"}).passed("x").end())); }
  void end_last() { end(*get().last_run); }
};

TEST(ScheduleOps, fires_and_counts) {
  Clockwork w;
  const auto declared = w.put(w.every(60s));
  ASSERT_TRUE(declared) << declared.error().message;
  EXPECT_EQ(declared->suite, "pay/a");
  EXPECT_EQ(declared->next_at, w.now.wall + 60s);
  w.advance(60s);
  EXPECT_EQ(w.get().run_count, 1);
  EXPECT_EQ(w.run_row(*w.get().last_run).request.schedule, "tick");
  w.end_last();
  w.advance(61s);
  EXPECT_EQ(w.get().run_count, 2);
}

TEST(ScheduleOps, one_that_would_never_fire_is_refused) {
  Clockwork w;
  model::Schedule schedule = w.every(60s);
  for (const Duration until : {Duration{-1s}, Duration{59s}}) {
    schedule.until = w.now.wall + until;
    const auto refused = w.put(schedule);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::invalid);
    EXPECT_FALSE(refused.error().fix.empty());
  }
  schedule.until = w.now.wall + 60s;
  ASSERT_TRUE(w.put(schedule));
  w.advance(120s);
  EXPECT_TRUE(w.put(schedule)) << "the same again is no change";
}

TEST(ScheduleOps, skip_leaves_out_what_overlaps) {
  Clockwork w;
  ASSERT_TRUE(w.put(w.every(60s)));
  w.advance(200s);
  EXPECT_EQ(w.get().run_count, 1);
  EXPECT_EQ(w.kinds("schedule:tick"),
            list("schedule.declared", "schedule.fired", "schedule.skipped", "schedule.skipped"));
}

TEST(ScheduleOps, queue_starts_one_as_soon_as_the_last_has_ended) {
  Clockwork w;
  model::Schedule schedule = w.every(60s);
  schedule.overlap = Overlap::queue;
  ASSERT_TRUE(w.put(schedule));
  w.advance(200s);
  EXPECT_TRUE(w.get().waiting);
  w.end_last();
  EXPECT_EQ(w.get().run_count, 2);
  EXPECT_FALSE(w.get().waiting);
}

TEST(ScheduleOps, a_run_that_was_triggered_by_hand_hides_no_other) {
  Clockwork w;
  model::Schedule schedule = w.every(60s);
  schedule.overlap = Overlap::queue;
  ASSERT_TRUE(w.put(schedule));
  w.advance(61s);
  const RunId planned = *w.get().last_run;
  const auto by_hand =
      w.run([&](Context& c) { return trigger_schedule(c, w.rules, "tick", "ann"); });
  ASSERT_TRUE(by_hand);
  w.end(by_hand->id);
  w.advance(60s);
  EXPECT_EQ(w.get().run_count, 1) << "the planned run goes on";
  EXPECT_TRUE(w.get().waiting);
  w.end(planned);
  EXPECT_EQ(w.get().run_count, 2);
}

TEST(ScheduleOps, a_wall_clock_that_jumps_over_a_fire_does_not_make_it_a_missed_one) {
  Clockwork w;
  model::Schedule schedule = w.every(60s);
  schedule.every.reset();
  schedule.cron = "0 2 * * *";
  schedule.catch_up = CatchUp::none;
  const auto declared = w.put(schedule);
  ASSERT_TRUE(declared);
  w.advance(10s);
  w.now.wall = *declared->next_at - 1s;  // resumed from a suspension, say
  w.advance(55s);
  EXPECT_EQ(w.get().run_count, 1);
}

TEST(ScheduleOps, allow_starts_in_any_case) {
  Clockwork w;
  model::Schedule schedule = w.every(60s);
  schedule.overlap = Overlap::allow;
  ASSERT_TRUE(w.put(schedule));
  w.advance(200s);
  EXPECT_EQ(w.get().run_count, 3);
}

TEST(ScheduleOps, a_missed_time_is_caught_up_once_or_not_at_all) {
  for (const bool as_cron : {false, true})
  for (const CatchUp catch_up : {CatchUp::once, CatchUp::none}) {
    Clockwork w;
    model::Schedule schedule = w.every(1h);
    if (as_cron) {
      schedule.every.reset();
      schedule.cron = "@every 1h";
    }
    schedule.catch_up = catch_up;
    ASSERT_TRUE(w.put(schedule));
    const TimePoint first = *w.get().next_at;
    w.restart(3h + 30min);
    w.advance(1s);
    EXPECT_EQ(w.get().run_count, catch_up == CatchUp::once ? 1 : 0);
    EXPECT_EQ(w.get().next_at, first + 3h) << "the phase stays";
  }
}

TEST(ScheduleOps, max_runs_and_until_end_it) {
  Clockwork w;
  model::Schedule schedule = w.every(60s);
  schedule.overlap = Overlap::allow;
  schedule.max_runs = 2;
  ASSERT_TRUE(w.put(schedule));
  w.advance(10min);
  EXPECT_EQ(w.get().run_count, 2);
  EXPECT_FALSE(w.get().next_at);
  schedule.max_runs = 0;
  schedule.until = w.now.wall + 130s;
  ASSERT_TRUE(w.put(schedule));
  w.advance(10min);
  EXPECT_EQ(w.get().run_count, 4);
  EXPECT_FALSE(w.get().next_at);
}

TEST(ScheduleOps, pause_and_resume_catch_nothing_up) {
  Clockwork w;
  ASSERT_TRUE(w.put(w.every(60s)));
  ASSERT_TRUE(w.run([](Context& c) { return pause_schedule(c, "tick"); }));
  w.advance(1h);
  EXPECT_EQ(w.get().run_count, 0);
  EXPECT_FALSE(w.get().next_at);
  ASSERT_TRUE(w.run([](Context& c) { return resume_schedule(c, "tick"); }));
  w.advance(59s);
  EXPECT_EQ(w.get().run_count, 0);
  w.advance(1s);
  EXPECT_EQ(w.get().run_count, 1);
}

TEST(ScheduleOps, trigger_runs_now_and_does_not_count) {
  Clockwork w;
  ASSERT_TRUE(w.put(w.every(1h)));
  const auto run = w.run([&](Context& c) { return trigger_schedule(c, w.rules, "tick", "ann"); });
  ASSERT_TRUE(run);
  EXPECT_EQ(w.get().last_run, run->id);
  EXPECT_EQ(w.get().run_count, 0);
}

TEST(ScheduleOps, an_unchanged_declaration_keeps_its_phase) {
  Clockwork w;
  ASSERT_TRUE(w.put(w.every(60s)));
  w.advance(30s);
  EXPECT_EQ(w.put(w.every(60s))->revision, 1);
  EXPECT_EQ(w.get().next_at, w.now.wall + 30s);
  EXPECT_EQ(w.put(w.every(90s))->revision, 2);
  EXPECT_EQ(w.get().next_at, w.now.wall + 90s);
}

TEST(ScheduleOps, what_cannot_be_started_is_told_and_the_schedule_goes_on) {
  Clockwork w;
  ASSERT_TRUE(w.put(w.every(60s)));
  ASSERT_TRUE(w.run([](Context& c) { return delete_suite(c, "pay", "a"); }));
  w.advance(121s);
  EXPECT_EQ(w.kinds("schedule:tick"),
            list("schedule.declared", "schedule.failed", "schedule.failed"));
}

TEST(ScheduleOps, schedules_of_a_file_are_read_only_and_follow_the_file) {
  Clockwork w;
  ASSERT_TRUE(w.run([&](Context& c) { return sync_schedules(c, w.rules, {w.every(60s)}); }));
  EXPECT_EQ(w.put(w.every(90s)).error().code, Code::conflict);
  EXPECT_EQ(w.run([](Context& c) { return delete_schedule(c, "tick"); }).error().code,
            Code::conflict);
  EXPECT_TRUE(w.run([](Context& c) { return pause_schedule(c, "tick"); }));
  ASSERT_TRUE(w.run([&](Context& c) { return sync_schedules(c, w.rules, {}); }));
  EXPECT_EQ(get_schedule(w.sql(), "tick").error().code, Code::not_found);
  w.advance(1h);
  for (const std::string& kind : w.kinds("schedule:tick")) EXPECT_NE(kind, "schedule.fired");
}

TEST(ScheduleOps, a_declaration_may_say_paused) {
  Clockwork w;
  const auto put = [&](Duration interval, std::optional<bool> paused) {
    const auto schedule = w.every(interval);
    return w.run([&](Context& c) { return declare_schedule(c, w.rules, schedule, paused); })
        ->paused;
  };
  EXPECT_TRUE(put(60s, true));
  EXPECT_TRUE(put(90s, std::nullopt)) << "what is not said stays";
  EXPECT_FALSE(w.get().next_at);
  EXPECT_FALSE(put(90s, false));
  EXPECT_EQ(w.get().next_at, w.now.wall + 90s);
}

TEST(ScheduleOps, a_file_may_say_paused_and_hands_may_change_it) {
  Clockwork w;
  const auto sync = [&](bool paused) {
    model::Schedule schedule = w.every(60s);
    schedule.paused = paused;
    EXPECT_TRUE(w.run([&](Context& c) { return sync_schedules(c, w.rules, {schedule}); }));
    return w.get().paused;
  };
  EXPECT_TRUE(sync(true));
  w.advance(1h);
  EXPECT_EQ(w.get().run_count, 0);
  ASSERT_TRUE(w.run([](Context& c) { return resume_schedule(c, "tick"); }));
  EXPECT_FALSE(sync(true)) << "the file did not change";
  EXPECT_FALSE(sync(false));
  ASSERT_TRUE(w.run([](Context& c) { return pause_schedule(c, "tick"); }));
  EXPECT_TRUE(sync(false)) << "the file did not change";
  EXPECT_TRUE(sync(true));
  EXPECT_FALSE(sync(false));
  EXPECT_TRUE(w.get().next_at);
}

TEST(ScheduleOps, a_wall_clock_that_is_set_back_fires_nothing_twice) {
  Clockwork w;
  model::Schedule schedule = w.every(1h);
  schedule.every.reset();
  schedule.cron = "0 * * * *";
  schedule.overlap = Overlap::allow;
  ASSERT_TRUE(w.put(schedule));
  w.advance(61min);
  EXPECT_EQ(w.get().run_count, 1);
  w.now.wall -= 1h;
  ASSERT_TRUE(w.run([](Context& c) { return rearm_schedules(c); }));
  w.advance(50min);
  EXPECT_EQ(w.get().run_count, 1);
}

TEST(ScheduleOps, a_wrong_declaration_is_refused) {
  Clockwork w;
  model::Schedule schedule = w.every(60s);
  schedule.filter = "(";
  EXPECT_EQ(w.put(schedule).error().code, Code::invalid);
  schedule.filter.clear();
  schedule.suite = "nope";
  EXPECT_EQ(w.put(schedule).error().code, Code::not_found);
  schedule.suite = "a";
  schedule.time_zone = "Mars";
  EXPECT_EQ(w.put(schedule).error().code, Code::invalid);
}

}  // namespace
}  // namespace baton::engine
