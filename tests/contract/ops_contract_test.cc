// SPDX-License-Identifier: MIT
// The operations say and store the same on every backend.
#include <algorithm>

#include "engine/booking_ops.h"
#include "engine/environment_ops.h"
#include "engine/idempotency_ops.h"
#include "engine/lease_ops.h"
#include "engine/op_world.h"
#include "engine/report_ops.h"
#include "engine/retention_ops.h"
#include "engine/schedule_ops.h"
#include "engine/token_ops.h"
#include "store/lease_table.h"
#include "store/schedule_table.h"
#include "store/token_table.h"
#include "tests/contract/backends.h"

namespace baton::contract {
namespace {

using namespace engine;  // NOLINT: test code only
using model::Outcome;
using model::RunState;
using model::RunVerdict;

class Ops : public StoreTest {
 protected:
  OpWorld& world(Rules rules = {}) {
    world_ = std::make_unique<OpWorld>(std::move(store_), rules);
    return *world_;
  }
  void TearDown() override {
    world_.reset();
    StoreTest::TearDown();
  }
  static std::vector<std::int64_t> ids(store::Session& session, const store::RunQuery& query) {
    std::vector<std::int64_t> found;
    const auto page = store::list_runs(session, query);
    EXPECT_TRUE(page) << page.error().message;
    if (page)
      for (const auto& row : page->runs) found.push_back(raw(row.run.id));
    return found;
  }

 private:
  std::unique_ptr<OpWorld> world_;
};

TEST_P(Ops, a_run_from_the_queue_to_its_verdict) {
  OpWorld& w = world({.running_runs = 1});
  w.declare(w.suite("a"));
  model::RunRequest request;
  request.labels = {{"team", "pay"}};
  const auto first = w.start("a", request);
  const auto second = w.start("pay/a");
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(w.run_row(second->id).state, RunState::queued);
  ASSERT_TRUE(w.claim(first->id));
  const auto applied = w.post(first->id, 1,
                              RecordList{}
                                  .plan({"one", "two"})
                                  .started("one")
                                  .finished("one", 1, Outcome::failed, false)
                                  .finished("one", 2, Outcome::passed)
                                  .finished("two", 1, Outcome::failed)
                                  .end());
  ASSERT_TRUE(applied) << applied.error().message;
  const model::Run run = w.run_row(first->id);
  EXPECT_EQ(run.verdict, RunVerdict::failed);
  EXPECT_EQ(run.counts.flaky, 1);
  EXPECT_EQ(run.counts.failed, 1);
  EXPECT_EQ(w.cases(first->id)[0].attempts.size(), 2U);
  EXPECT_EQ(w.run_row(second->id).state, RunState::running);
  EXPECT_EQ(w.kinds("run:1"), list("run.queued", "run.started", "run.runner_needed",
                                   "run.recorded", "run.finished"));
}

TEST_P(Ops, a_refused_operation_leaves_nothing) {
  OpWorld& w = world({.running_runs = 1, .queued_runs = 1});
  w.declare(w.suite("a"));
  ASSERT_TRUE(w.start("a"));
  ASSERT_TRUE(w.start("a"));
  EXPECT_EQ(w.start("a").error().code, Code::limit);
  EXPECT_EQ(w.start("nope").error().code, Code::not_found);
  EXPECT_EQ(w.post(RunId{1}, 1, RecordList{}.plan({"x", ""})).error().code, Code::invalid);
  EXPECT_TRUE(w.cases(RunId{1}).empty());
  const auto load = store::run_load(w.sql()).value();
  EXPECT_EQ(load.queued, 1);
  EXPECT_EQ(load.running, 1);
}

TEST_P(Ops, lists_and_searches_agree) {
  OpWorld& w = world({.running_runs = 100});
  w.declare(w.suite("a"));
  w.declare(w.suite("b"));
  for (int i = 1; i <= 6; ++i) {
    model::RunRequest request;
    request.reference = fmt::format("build-{}", i);
    request.labels = {{"parity", i % 2 ? "odd" : "even"}};
    request.environment = i == 3 ? "uat" : "";
    const auto run = w.start(i % 3 ? "a" : "b", request);
    ASSERT_TRUE(run) << run.error().message;
    if (i > 4) continue;
    ASSERT_TRUE(w.post(run->id, 1,
                       RecordList{}
                           .plan({"x"})
                           .finished("x", 1, i == 2 ? Outcome::failed : Outcome::passed)
                           .end()));
  }
  store::Session& sql = w.sql();
  EXPECT_EQ(ids(sql, {}), list(6, 5, 4, 3, 2, 1));
  EXPECT_EQ(ids(sql, {.suite = "b"}), list(6, 3));
  EXPECT_EQ(ids(sql, {.state = RunState::running}), list(6, 5));
  EXPECT_EQ(ids(sql, {.verdict = RunVerdict::failed}), list(2));
  EXPECT_EQ(ids(sql, {.suite = "a", .verdict = RunVerdict::passed}), list(4, 1));
  EXPECT_EQ(ids(sql, {.reference = "build-4"}), list(4));
  EXPECT_EQ(ids(sql, {.environment = "uat"}), list(3));
  EXPECT_EQ(ids(sql, {.labels = {{"parity", "even"}}}), list(6, 4, 2));
  EXPECT_EQ(ids(sql, {.text = "expect"}), list(2));
  EXPECT_EQ(ids(sql, {.text = "EXPECTED build-2"}), list(2));
  EXPECT_EQ(ids(sql, {.text = "build"}), list(6, 5, 4, 3, 2, 1));
  EXPECT_EQ(ids(sql, {.text = "build-1"}), list(1));
  EXPECT_EQ(ids(sql, {.text = "' & | ! ) :*"}), list());
  EXPECT_EQ(ids(sql, {.before = RunId{3}, .limit = 1}), list(2));
}

TEST_P(Ops, a_lost_runner_is_replaced_and_the_run_resumed) {
  OpWorld& w = world();
  w.declare(w.suite("a"));
  const auto run = w.start("a");
  ASSERT_TRUE(w.post(run->id, 1, RecordList{}.plan({"one", "two"}).passed("one").started("two")));
  w.advance(16s);
  const auto job = w.claim(run->id, 2);
  ASSERT_TRUE(job) << job.error().message;
  EXPECT_TRUE(job->progress[0].finished);
  EXPECT_EQ(job->progress[1].attempts, 1);
  EXPECT_EQ(job->progress[1].counted, 0);
  ASSERT_TRUE(w.post(run->id, 2, RecordList{}.finished("two", 2, Outcome::passed).end()));
  EXPECT_EQ(w.run_row(run->id).verdict, RunVerdict::passed);
}

TEST_P(Ops, schedules_fire) {
  OpWorld& w = world();
  w.declare(w.suite("a"));
  model::Schedule schedule;
  schedule.name = "tick";
  schedule.suite = "a";
  schedule.every = Duration{60s};
  ASSERT_TRUE(w.run([&](Context& c) { return declare_schedule(c, w.rules, schedule); }));
  w.advance(61s);
  EXPECT_EQ(get_schedule(w.sql(), "tick")->run_count, 1);
  EXPECT_EQ(store::schedules_of(w.sql(), "pay/a")->size(), 1U);
  ASSERT_TRUE(w.run([](Context& c) { return delete_schedule(c, "tick"); }));
}

TEST_P(Ops, a_booking_keeps_others_out_while_it_is_under_way) {
  OpWorld& w = world();
  model::Environment environment;
  environment.name = "uat";
  environment.labels = {{"team", "pay"}};
  ASSERT_TRUE(w.run([&](Context& c) { return declare_environment(c, w.rules, environment); }));
  model::Booking booking;
  booking.labels = environment.labels;
  booking.from = w.now.wall + 10s;
  booking.to = w.now.wall + 30s;
  booking.rrule = "FREQ=DAILY";
  booking.owner = "team pay";
  const auto made = w.run([&](Context& c) { return create_booking(c, booking, "ann"); });
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(w.run([&](Context& c) { return create_booking(c, booking, "ann"); }).error().code,
            Code::conflict);
  w.advance(10s);
  model::LeaseRequest request;
  request.wants = {{"uat", {}, {}, 1}};
  request.holder.name = "ci";
  request.wait = 1h;
  const auto lease = w.run([&](Context& c) { return acquire(c, w.rules, request, "ci"); });
  ASSERT_TRUE(lease) << lease.error().message;
  const auto state = [&] { return store::find_lease(w.sql(), lease->lease.id).value()->state; };
  EXPECT_EQ(state(), model::LeaseState::queued);
  w.advance(19s);
  EXPECT_EQ(state(), model::LeaseState::queued);
  w.advance(1s);
  EXPECT_EQ(state(), model::LeaseState::held);
  ASSERT_TRUE(w.run([&](Context& c) { return delete_booking(c, w.rules, made->id); }));
  EXPECT_EQ(w.kinds("booking:" + made->id), list("booking.created", "booking.started",
                                                 "booking.ended", "booking.deleted"));
}

TEST_P(Ops, retention_deletes_and_ids_never_come_back) {
  OpWorld& w = world({.retention_age = 1s, .keep_last = 2});
  w.declare(w.suite("a"));
  for (int i = 0; i < 4; ++i) {
    const auto run = w.start("a");
    model::ArtifactRecord artifact{{"x.txt", 3, "text/plain", "x", 1, "abc"}};
    ASSERT_TRUE(
        w.post(run->id, 1, RecordList{}.plan({"x"}).passed("x").add(artifact).end()));
  }
  w.advance(2min);
  EXPECT_EQ(ids(w.sql(), {}), list(4, 3));
  EXPECT_EQ(raw(w.start("a")->id), 5);
  EXPECT_EQ(get_run(w.sql(), RunId{1}).error().code, Code::gone);
}

TEST_P(Ops, a_key_is_answered_once) {
  OpWorld& w = world();
  w.declare(w.suite("a"));
  const IdempotencyKey key{"POST /runs pay/a", "k1", "hash", 24h};
  for (int i = 0; i < 2; ++i) {
    const auto answered = w.run([&](Context& c) {
      UniqueFunction<Result<store::StoredAnswer>(Context&)> operation =
          [&](Context& inner) -> Result<store::StoredAnswer> {
        model::RunRequest request;
        request.suite = "a";
        BATON_TRY(run, start_run(inner, w.rules, request));
        return store::StoredAnswer{201, fmt::format("/runs/{}", raw(run.id)), "{}"};
      };
      return answer_once(c, key, operation);
    });
    ASSERT_TRUE(answered) << answered.error().message;
    EXPECT_EQ(answered->answer.location, "/runs/1");
    EXPECT_EQ(answered->replayed, i == 1);
  }
}

TEST_P(Ops, suites_tokens_reports_and_audit) {
  OpWorld& w = world();
  ASSERT_TRUE(w.run([&](Context& c) {
    return sync_suites(c, {w.suite("a"), w.suite("b")});
  }));
  ASSERT_TRUE(w.run([&](Context& c) { return sync_suites(c, {w.suite("b")}); }));
  EXPECT_EQ(store::list_suites(w.sql(), "", 10)->size(), 1U);
  NewToken asked{"ci", model::Scope::admin, {}, {}, hash_of_secret("s")};
  ASSERT_TRUE(w.run([&](Context& c) { return create_token(c, asked); }));
  EXPECT_TRUE(authenticate(w.sql(), hash_of_secret("s"), w.now.wall));
  ImportedReport report;
  report.request.suite = "shop/web";
  report.cases.resize(1);
  report.cases[0].name = "nul \x01 and ümläut";
  report.cases[0].attempts.resize(1);
  report.cases[0].attempts[0].outcome = Outcome::failed;
  report.cases[0].attempts[0].message = std::string("a\0b \xff", 5);
  const auto run = w.run([&](Context& c) { return import_report(c, report); });
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(w.cases(run->id)[0].name, report.cases[0].name);
  model::AuditEntry entry;
  entry.action = "token.create";
  ASSERT_TRUE(w.run([&](Context& c) { return audit(c, entry); }));
  EXPECT_EQ(store::list_audit(w.sql(), 0, 10)->size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Backends, Ops,
                         ::testing::Values(Backend::sqlite_memory, Backend::sqlite_disk,
                                           Backend::postgres),
                         [](const auto& which) { return name_of(which.param); });

}  // namespace
}  // namespace baton::contract
