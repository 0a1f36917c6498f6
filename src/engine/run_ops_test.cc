// SPDX-License-Identifier: MIT
#include "engine/run_ops.h"

#include <gtest/gtest.h>

#include <functional>

#include "engine/op_world.h"
#include "engine/retention_ops.h"

namespace baton::engine {
namespace {

using model::Outcome;
using model::RunState;
using model::RunVerdict;

TEST(RunOps, a_run_is_queued_and_started_in_one_step) {
  OpWorld w;
  w.declare(w.suite("checkout"));
  model::RunRequest request;
  request.labels = {{"team", "pay"}};
  request.params = {{"user", "ann"}};
  request.reference = "build-12";
  const auto run = w.start("checkout", request);
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->state, RunState::queued);
  EXPECT_EQ(run->number, 1);
  const model::Run stored = w.run_row(run->id);
  EXPECT_EQ(stored.state, RunState::running);
  EXPECT_EQ(stored.epoch, 1);
  EXPECT_EQ(stored.namespace_, "pay");
  EXPECT_EQ(stored.request.suite, "pay/checkout");
  EXPECT_EQ(stored.request.labels, request.labels);
  EXPECT_EQ(stored.request.params, request.params);
  EXPECT_EQ(w.kinds("run:1"), list("run.queued", "run.started", "run.runner_needed"));
}

TEST(RunOps, an_unknown_suite_is_refused_with_the_nearest) {
  OpWorld w;
  w.declare(w.suite("checkout"));
  const auto run = w.start("chekout");
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().code, Code::not_found);
  EXPECT_TRUE(holds(run.error().fix, "checkout"));
  EXPECT_EQ(w.start("pay/nothing").error().code, Code::not_found);
}

TEST(RunOps, a_bare_name_must_be_unique) {
  OpWorld w;
  w.declare(w.suite("checkout"));
  model::Suite other = w.suite("checkout");
  other.namespace_ = "shop";
  w.declare(other);
  EXPECT_EQ(w.start("checkout").error().code, Code::invalid);
  EXPECT_TRUE(w.start("shop/checkout"));
}

TEST(RunOps, a_bad_filter_is_refused_and_one_that_selects_nothing_is_not) {
  OpWorld w;
  model::Suite suite = w.suite("checkout");
  suite.cases.resize(1);
  suite.cases[0].name = "places an order";
  w.declare(suite);
  model::RunRequest request;
  request.filter = "(";
  EXPECT_EQ(w.start("checkout", request).error().code, Code::invalid);
  request.filter = "nothing like it";
  EXPECT_TRUE(w.start("checkout", request));
  EXPECT_TRUE(selects_nothing(w.sql(), "checkout", "nothing like it").value());
  EXPECT_FALSE(selects_nothing(w.sql(), "checkout", "order$").value());
}

TEST(RunOps, the_running_limit_queues_in_order) {
  OpWorld w({.running_runs = 1});
  w.declare(w.suite("a"));
  const auto first = w.start("a");
  const auto second = w.start("a");
  const auto third = w.start("a");
  EXPECT_EQ(w.run_row(second->id).state, RunState::queued);
  ASSERT_TRUE(w.post(first->id, 1, RecordList{}.plan({"x"}).passed("x").end()));
  EXPECT_EQ(w.run_row(first->id).verdict, RunVerdict::passed);
  EXPECT_EQ(w.run_row(second->id).state, RunState::running);
  EXPECT_EQ(w.run_row(third->id).state, RunState::queued);
}

TEST(RunOps, a_suite_at_its_own_limit_does_not_hold_up_others) {
  OpWorld w({.running_runs = 3});
  model::Suite narrow = w.suite("narrow");
  narrow.running_runs = 1;
  w.declare(narrow);
  w.declare(w.suite("wide"));
  const auto n1 = w.start("narrow");
  const auto n2 = w.start("narrow");
  const auto wide = w.start("wide");
  EXPECT_EQ(w.run_row(n2->id).state, RunState::queued);
  EXPECT_EQ(w.run_row(wide->id).state, RunState::running);
  ASSERT_TRUE(w.post(n1->id, 1, RecordList{}.plan({"x"}).passed("x").end()));
  EXPECT_EQ(w.run_row(n2->id).state, RunState::running);
}

TEST(RunOps, a_full_queue_refuses) {
  OpWorld w({.running_runs = 1, .queued_runs = 1});
  w.declare(w.suite("a"));
  EXPECT_TRUE(w.start("a"));
  EXPECT_TRUE(w.start("a"));
  const auto third = w.start("a");
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Code::limit);
}

TEST(RunOps, cancelling_a_queued_run_ends_it_at_once) {
  OpWorld w({.running_runs = 1});
  w.declare(w.suite("a"));
  ASSERT_TRUE(w.start("a"));
  const auto queued = w.start("a");
  const auto cancelled =
      w.run([&](Context& c) { return cancel_run(c, w.rules, queued->id, "not needed"); });
  ASSERT_TRUE(cancelled);
  EXPECT_EQ(cancelled->verdict, RunVerdict::cancelled);
  EXPECT_EQ(w.run_row(queued->id).message, "not needed");
  EXPECT_TRUE(w.run([&](Context& c) { return cancel_run(c, w.rules, queued->id, "again"); }));
}

TEST(RunOps, cancelling_a_running_run_tells_its_runner_and_ends_it_when_that_is_silent) {
  OpWorld w;
  w.declare(w.suite("a"));
  const auto run = w.start("a");
  ASSERT_TRUE(w.post(run->id, 1, RecordList{}.plan({"x", "y"}).started("x")));
  ASSERT_TRUE(w.run([&](Context& c) { return cancel_run(c, w.rules, run->id, "stop"); }));
  const auto beat = w.post(run->id, 1, {});
  EXPECT_TRUE(beat->cancel);
  EXPECT_EQ(beat->reason, "stop");
  for (int i = 0; i < 4; ++i) {  // it beats, but it does not end
    w.advance(9s);
    (void)w.post(run->id, 1, {});
  }
  const model::Run ended = w.run_row(run->id);
  EXPECT_EQ(ended.verdict, RunVerdict::cancelled);
  EXPECT_EQ(w.cases(run->id)[0].attempts[0].outcome, Outcome::cancelled);
  EXPECT_EQ(w.cases(run->id)[1].verdict, model::CaseVerdict::cancelled);
  EXPECT_EQ(w.post(run->id, 1, {}).error().code, Code::gone);
  EXPECT_EQ(w.deadlines(), 0);
}

// A run of ten minutes at most, whose runner passes its one case after `pause`.
RunVerdict verdict_after(const std::function<void(OpWorld&)>& pause) {
  OpWorld w;
  model::Suite suite = w.suite("a");
  suite.timeout = 600s;
  w.declare(suite);
  const auto run = w.start("a");
  EXPECT_TRUE(w.claim(run->id));
  EXPECT_TRUE(w.post(run->id, 1, RecordList{}.plan({"x"}).started("x")));
  pause(w);
  EXPECT_TRUE(w.post(run->id, 1, RecordList(3).passed("x").end()));
  return w.run_row(run->id).verdict;
}

TEST(RunOps, a_time_out_that_passes_while_the_server_is_down_waits_for_the_runner) {
  const RunVerdict verdict = verdict_after([](OpWorld& w) {
    w.restart(1'000s);
    w.advance(5s);
  });
  EXPECT_EQ(verdict, RunVerdict::passed);
}

TEST(RunOps, a_time_out_that_passes_while_the_machine_sleeps_waits_for_the_runner) {
  const RunVerdict verdict = verdict_after([](OpWorld& w) {
    w.now.at += 1'000s;
    w.now.wall += 1'000s;
    w.advance(1s);
  });
  EXPECT_EQ(verdict, RunVerdict::passed);
}

TEST(RunOps, rerun_of_failures_names_exactly_these_cases) {
  OpWorld w;
  w.declare(w.suite("a"));
  const auto run = w.start("a");
  EXPECT_EQ(w.run([&](Context& c) { return rerun(c, w.rules, run->id, true, "ann"); }).error().code,
            Code::conflict);
  ASSERT_TRUE(w.post(run->id, 1,
                     RecordList{}
                         .plan({"good", "bad", "skips"})
                         .passed("good")
                         .finished("bad", 1, Outcome::failed)
                         .finished("skips", 1, Outcome::skipped)
                         .end()));
  const auto again = w.run([&](Context& c) { return rerun(c, w.rules, run->id, true, "ann"); });
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->request.only, list("bad"));
  EXPECT_EQ(w.run_row(again->id).request.rerun_of, run->id);
  EXPECT_EQ(w.run_row(again->id).request.triggered_by, "ann");
}

TEST(RunOps, deleting_removes_everything_and_the_id_is_gone_for_ever) {
  OpWorld w;
  w.declare(w.suite("a"));
  const auto run = w.start("a");
  EXPECT_EQ(w.run([&](Context& c) { return delete_run(c, run->id); }).error().code, Code::conflict);
  model::ArtifactRecord artifact{{"out/x.txt", 3, "text/plain", "x", 1, "abc"}};
  ASSERT_TRUE(w.post(run->id, 1, RecordList{}.plan({"x"}).passed("x").add(artifact).end()));
  ASSERT_TRUE(w.run([&](Context& c) { return delete_run(c, run->id); }));
  EXPECT_EQ(get_run(w.sql(), run->id).error().code, Code::gone);
  EXPECT_EQ(get_run(w.sql(), RunId{99}).error().code, Code::not_found);
  for (const char* table : {"run", "run_case", "attempt", "artifact", "run_text"})
    EXPECT_EQ(w.sql().query(fmt::format("SELECT COUNT(*) FROM {}", table)).value()[0].integer(0), 0)
        << table;
  const auto events = store::read_journal(w.sql(), 0, 100, "run.deleted").value();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(holds(events[0].data, "abc"));
  EXPECT_EQ(raw(w.start("a")->id), 2);
  EXPECT_EQ(w.run_row(RunId{2}).number, 2);
}

TEST(RunOps, lists_filter_search_and_page) {
  OpWorld w({.running_runs = 100});
  w.declare(w.suite("a"));
  w.declare(w.suite("b"));
  for (int i = 1; i <= 9; ++i) {
    model::RunRequest request;
    request.reference = fmt::format("build-{}", i);
    request.labels = {{"parity", i % 2 ? "odd" : "even"}};
    request.environment = i == 3 ? "uat" : "";
    const auto run = w.start(i % 3 ? "a" : "b", request);
    if (i > 6) continue;
    ASSERT_TRUE(w.post(run->id, 1,
                       RecordList{}
                           .plan({"x"})
                           .finished("x", 1, i == 5 ? Outcome::failed : Outcome::passed)
                           .end()));
  }
  const auto ids = [&](store::RunQuery query) {
    std::vector<std::int64_t> found;
    const auto page = store::list_runs(w.sql(), query);
    EXPECT_TRUE(page) << page.error().message;
    if (page)
      for (const auto& row : page->runs) found.push_back(raw(row.run.id));
    return found;
  };
  EXPECT_EQ(ids({.suite = "pay/b"}), list(9, 6, 3));
  EXPECT_EQ(ids({.suite = "b"}), list(9, 6, 3));
  EXPECT_EQ(ids({.suite = "nope"}), list());
  EXPECT_EQ(ids({.state = RunState::running}), list(9, 8, 7));
  EXPECT_EQ(ids({.suite = "a", .state = RunState::running}), list(8, 7));
  EXPECT_EQ(ids({.verdict = RunVerdict::failed}), list(5));
  EXPECT_EQ(ids({.suite = "a", .verdict = RunVerdict::passed}), list(4, 2, 1));
  EXPECT_EQ(ids({.reference = "build-4"}), list(4));
  EXPECT_EQ(ids({.environment = "uat"}), list(3));
  EXPECT_EQ(ids({.labels = {{"parity", "even"}}}), list(8, 6, 4, 2));
  EXPECT_EQ(ids({.suite = "b", .labels = {{"parity", "odd"}}}), list(9, 3));
  EXPECT_EQ(ids({.text = "expected"}), list(5));
  EXPECT_EQ(ids({.text = "EXPECTED build-5"}), list(5));
  EXPECT_EQ(ids({.text = "build"}), list(9, 8, 7, 6, 5, 4, 3, 2, 1));
  EXPECT_EQ(ids({.verdict = RunVerdict::failed, .text = "build"}), list(5));
  EXPECT_EQ(ids({.text = "\"); DROP"}), list());
  EXPECT_EQ(ids({.before = RunId{3}}), list(2, 1));
  const auto page = store::list_runs(w.sql(), {.limit = 4});
  EXPECT_EQ(page->runs.size(), 4U);
  EXPECT_EQ(page->next_before, RunId{6});
  EXPECT_FALSE(store::list_runs(w.sql(), {.limit = 9})->next_before);
}

TEST(RunOps, retention_spares_the_newest_and_the_living) {
  OpWorld w({.running_runs = 100, .retention_age = std::chrono::days{10}, .keep_last = 2});
  w.declare(w.suite("a"));
  for (int i = 0; i < 30; ++i) {
    const auto run = w.start("a");
    if (i == 0) continue;  // goes on
    ASSERT_TRUE(w.post(run->id, 1, RecordList{}.plan({"x"}).passed("x").end()));
  }
  w.rules.runner_ttl = w.rules.runner_start = std::chrono::days{100};
  ASSERT_TRUE(w.post(RunId{1}, 1, {}));
  w.advance(std::chrono::days{9});
  EXPECT_EQ(store::list_runs(w.sql(), {})->runs.size(), 30U);
  w.advance(std::chrono::days{2});
  std::vector<std::int64_t> left;
  const auto page = store::list_runs(w.sql(), {});
  for (const auto& row : page->runs) left.push_back(raw(row.run.id));
  EXPECT_EQ(left, list(30, 29, 1));
}

TEST(RunOps, a_retention_of_zero_keeps_every_run) {
  OpWorld w({.retention_age = Duration{0}, .keep_last = 1});
  w.declare(w.suite("a"));
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(w.post(w.start("a")->id, 1, RecordList{}.plan({"x"}).passed("x").end()));
  w.advance(std::chrono::days{400});
  EXPECT_EQ(store::list_runs(w.sql(), {})->runs.size(), 3U);
}

TEST(RunOps, the_journal_is_pruned_once_it_is_old_and_read) {
  OpWorld w({.journal_age = 24h});
  w.declare(w.suite("a"));
  ASSERT_TRUE(w.run([](Context& c) { return advance_reader(c, "launcher", 1); }));
  ASSERT_TRUE(w.start("a"));
  w.rules.runner_start = std::chrono::days{100};
  w.restart();
  w.advance(std::chrono::days{2});
  EXPECT_EQ(store::read_journal(w.sql(), 0, 10)->front().seq, 2);
  ASSERT_TRUE(w.run([](Context& c) { return advance_reader(c, "launcher", 3); }));
  w.advance(2h);
  EXPECT_EQ(store::read_journal(w.sql(), 0, 10)->front().seq, 4);
}

}  // namespace
}  // namespace baton::engine
