// SPDX-License-Identifier: MIT
#include "engine/suite_ops.h"

#include <gtest/gtest.h>

#include "engine/idempotency_ops.h"
#include "engine/op_world.h"
#include "engine/report_ops.h"
#include "engine/token_ops.h"
#include "store/token_table.h"

namespace baton::engine {
namespace {


TEST(SuiteOps, a_declaration_reads_back) {
  OpWorld w;
  model::Suite suite = w.suite("a");
  suite.description = "# Checkout";
  suite.labels = {{"team", "pay"}};
  suite.kind = model::Kind::gtest;
  suite.command = {"./a", "--x=1"};
  suite.isolate = model::Isolate::per_case;
  suite.workers = 4;
  suite.timeout = 10min;
  suite.log_limit = 0;
  suite.reports = {"out/**/*.xml"};
  suite.environment_variables = {{"A", "b"}};
  suite.cases.resize(1);
  suite.cases[0].name = "one";
  suite.cases[0].timeout = Duration{0};
  w.declare(suite);
  const model::Suite got = get_suite(w.sql(), "a").value().suite;
  EXPECT_EQ(got.description, suite.description);
  EXPECT_EQ(got.labels, suite.labels);
  EXPECT_EQ(got.kind, suite.kind);
  EXPECT_EQ(got.command, suite.command);
  EXPECT_EQ(got.isolate, suite.isolate);
  EXPECT_EQ(got.workers, 4);
  EXPECT_EQ(got.timeout, suite.timeout);
  EXPECT_EQ(got.log_limit, 0);
  EXPECT_EQ(got.kill_grace, suite.kill_grace);
  EXPECT_EQ(got.reports, suite.reports);
  EXPECT_EQ(got.environment_variables, suite.environment_variables);
  ASSERT_EQ(got.cases.size(), 1U);
  EXPECT_EQ(got.cases[0].timeout, Duration{0});
  EXPECT_EQ(got.revision, 1);
}

TEST(SuiteOps, the_revision_counts_changes_of_the_declaration) {
  OpWorld w;
  w.declare(w.suite("a"));
  model::Suite changed = w.suite("a");
  changed.workers = 2;
  const auto declare = [&] {
    return w.run([&](Context& c) { return declare_suite(c, changed); })->suite.revision;
  };
  EXPECT_EQ(declare(), 2);
  EXPECT_EQ(declare(), 2);
  std::vector<model::Case> cases(1);
  cases[0].name = "x";
  ASSERT_TRUE(w.run([&](Context& c) { return put_discovery(c, "pay", "a", cases, ""); }));
  EXPECT_EQ(declare(), 2) << "what discovery finds is no change of it";
}

TEST(SuiteOps, a_suite_that_lists_too_many_cases_has_none_and_says_so) {
  OpWorld w;
  w.declare(w.suite("a"));
  std::vector<model::Case> cases(50'001);
  for (std::size_t i = 0; i < cases.size(); ++i) cases[i].name = fmt::format("c{}", i);
  ASSERT_TRUE(w.run([&](Context& c) { return put_discovery(c, "pay", "a", cases, ""); }));
  const auto row = get_suite(w.sql(), "pay/a");
  ASSERT_TRUE(row);
  EXPECT_TRUE(row->suite.cases.empty());
  EXPECT_TRUE(holds(row->suite.discovery_error, "lists 50001 cases")) << row->suite.discovery_error;
}

TEST(SuiteOps, files_are_read_only_and_what_they_drop_is_hidden) {
  OpWorld w;
  ASSERT_TRUE(w.run([&](Context& c) {
    return sync_suites(c, {w.suite("a"), w.suite("b")});
  }));
  EXPECT_EQ(w.run([&](Context& c) { return declare_suite(c, w.suite("a")); }).error().code,
            Code::conflict);
  EXPECT_EQ(w.run([](Context& c) { return delete_suite(c, "pay", "a"); }).error().code,
            Code::conflict);
  const auto run = w.start("b");
  ASSERT_TRUE(run);
  ASSERT_TRUE(w.run([&](Context& c) { return sync_suites(c, {w.suite("a")}); }));
  EXPECT_EQ(store::list_suites(w.sql(), "", 10)->size(), 1U);
  EXPECT_EQ(w.start("pay/b").error().code, Code::not_found);
  EXPECT_EQ(w.run_row(run->id).suite, "b") << "its runs stay";
  ASSERT_TRUE(w.post(run->id, 1, RecordList{}.plan({"x"}).passed("x").end()));
  ASSERT_TRUE(w.run([&](Context& c) {
    return sync_suites(c, {w.suite("a"), w.suite("b")});
  }));
  EXPECT_EQ(w.start("pay/b")->number, 2) << "numbers go on";
}

TEST(SuiteOps, a_suite_with_live_runs_is_not_deleted) {
  OpWorld w;
  w.declare(w.suite("a"));
  const auto run = w.start("a");
  EXPECT_EQ(w.run([](Context& c) { return delete_suite(c, "pay", "a"); }).error().code,
            Code::conflict);
  ASSERT_TRUE(w.post(run->id, 1, RecordList{}.plan({"x"}).passed("x").end()));
  EXPECT_TRUE(w.run([](Context& c) { return delete_suite(c, "pay", "a"); }));
  EXPECT_EQ(w.run([](Context& c) { return delete_suite(c, "pay", "a"); }).error().code,
            Code::not_found);
}

TEST(SuiteOps, discovery_replaces_the_cases) {
  OpWorld w;
  w.declare(w.suite("a"));
  std::vector<model::Case> cases(2);
  cases[0].name = "one";
  cases[1].name = "two";
  ASSERT_TRUE(w.run([&](Context& c) { return put_discovery(c, "pay", "a", cases, ""); }));
  ASSERT_TRUE(w.run([&](Context& c) { return put_discovery(c, "pay", "a", cases, ""); }));
  EXPECT_EQ(get_suite(w.sql(), "a")->suite.cases.size(), 2U);
  EXPECT_EQ(w.kinds("suite:pay/a"), list("suite.declared", "suite.discovered"));
  cases[1].name = "one";
  EXPECT_FALSE(w.run([&](Context& c) { return put_discovery(c, "pay", "a", cases, ""); }));
}

TEST(SuiteOps, suites_are_listed_by_name_in_pages) {
  OpWorld w;
  for (const char* name : {"b", "a", "c"}) w.declare(w.suite(name));
  const auto first = store::list_suites(w.sql(), "", 2).value();
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[1].suite.name, "b");
  EXPECT_EQ(store::list_suites(w.sql(), "pay/b", 2)->front().suite.name, "c");
}

TEST(IdempotencyOps, the_same_key_gives_the_stored_answer) {
  OpWorld w;
  w.declare(w.suite("a"));
  IdempotencyKey key{"POST /runs pay/a", "k1", "hash", 24h};
  const auto ask = [&] {
    return w.run([&](Context& c) {
      UniqueFunction<Result<store::StoredAnswer>(Context&)> operation =
          [&](Context& inner) -> Result<store::StoredAnswer> {
        model::RunRequest request;
        request.suite = "a";
        BATON_TRY(run, start_run(inner, w.rules, request));
        return store::StoredAnswer{201, fmt::format("/runs/{}", raw(run.id)), "{}"};
      };
      return answer_once(c, key, operation);
    });
  };
  const auto first = ask();
  const auto second = ask();
  EXPECT_FALSE(first->replayed);
  EXPECT_TRUE(second->replayed);
  EXPECT_EQ(second->answer.location, "/runs/1");
  EXPECT_EQ(second->answer.status, 201);
  key.body_hash = "other";
  EXPECT_EQ(ask().error().code, Code::conflict);
  key.scope = "POST /runs pay/b";
  EXPECT_EQ(ask()->answer.location, "/runs/2") << "a key counts within its scope";
  key.scope = "POST /runs pay/a";
  w.advance(25h);
  EXPECT_EQ(ask()->answer.location, "/runs/3") << "it has expired";
}

TEST(IdempotencyOps, a_refusal_is_not_stored) {
  OpWorld w;
  const IdempotencyKey key{"s", "k", "h", 1h};
  const auto ask = [&](bool works) {
    return w.run([&](Context& c) {
      UniqueFunction<Result<store::StoredAnswer>(Context&)> operation =
          [&](Context&) -> Result<store::StoredAnswer> {
        if (!works) return fail(Code::limit, "full");
        return store::StoredAnswer{};
      };
      return answer_once(c, key, operation);
    });
  };
  EXPECT_EQ(ask(false).error().code, Code::limit);
  EXPECT_FALSE(ask(true)->replayed);
}

TEST(TokenOps, secrets_are_known_by_hash_and_expire) {
  OpWorld w;
  NewToken asked{"ci", model::Scope::operator_, {}, w.now.wall + 1h, hash_of_secret("s3cret")};
  const auto token = w.run([&](Context& c) { return create_token(c, asked); });
  ASSERT_TRUE(token) << token.error().message;
  const auto who = authenticate(w.sql(), hash_of_secret("s3cret"), w.now.wall);
  ASSERT_TRUE(who);
  EXPECT_EQ(who->id, token->id);
  EXPECT_EQ(who->scope, model::Scope::operator_);
  EXPECT_EQ(authenticate(w.sql(), hash_of_secret("wrong"), w.now.wall).error().code,
            Code::unauthenticated);
  EXPECT_FALSE(authenticate(w.sql(), hash_of_secret("s3cret"), w.now.wall + 1h));
  ASSERT_TRUE(w.run([&](Context& c) { return touch_token(c, token->id); }));
  EXPECT_TRUE(store::list_tokens(w.sql())->front().last_used_at);
  EXPECT_EQ(hash_of_secret("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(TokenOps, the_last_admin_stays) {
  OpWorld w;
  NewToken admin{"root", model::Scope::admin, {}, {}, "h1"};
  const auto first = w.run([&](Context& c) { return create_token(c, admin); });
  EXPECT_EQ(w.run([&](Context& c) { return revoke_token(c, first->id); }).error().code,
            Code::conflict);
  admin.hash = "h2";
  ASSERT_TRUE(w.run([&](Context& c) { return create_token(c, admin); }));
  EXPECT_TRUE(w.run([&](Context& c) { return revoke_token(c, first->id); }));
}

TEST(TokenOps, a_runner_token_dies_with_its_run) {
  OpWorld w;
  w.declare(w.suite("a"));
  const auto run = w.start("a");
  NewToken runner{"runner", model::Scope::runner, run->id, {}, "h"};
  ASSERT_TRUE(w.run([&](Context& c) { return create_token(c, runner); }));
  EXPECT_TRUE(authenticate(w.sql(), "h", w.now.wall + 48h));
  EXPECT_TRUE(store::list_tokens(w.sql())->empty());
  ASSERT_TRUE(w.post(run->id, 1, RecordList{}.plan({"x"}).passed("x").end()));
  EXPECT_TRUE(authenticate(w.sql(), "h", w.now.wall)) << "it may repeat its last words";
  EXPECT_FALSE(authenticate(w.sql(), "h", w.now.wall + 2h));
}

TEST(TokenOps, the_audit_is_read_newest_first) {
  OpWorld w;
  for (const char* action : {"one", "two", "three"}) {
    model::AuditEntry entry;
    entry.action = action;
    ASSERT_TRUE(w.run([&](Context& c) { return audit(c, entry); }));
  }
  const auto entries = store::list_audit(w.sql(), 0, 2).value();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].action, "three");
  EXPECT_EQ(store::list_audit(w.sql(), entries[1].id, 2)->front().action, "one");
}

TEST(ReportOps, a_report_becomes_a_finished_run) {
  OpWorld w;
  ImportedReport report;
  report.request.suite = "shop/web";
  report.request.reference = "build-7";
  report.cases.resize(2);
  report.cases[0].name = "good";
  report.cases[0].attempts.resize(1);
  report.cases[0].attempts[0].outcome = model::Outcome::passed;
  report.cases[0].attempts[0].duration = 5s;
  report.cases[1].name = "retried";
  report.cases[1].attempts.resize(2);
  report.cases[1].attempts[0].outcome = model::Outcome::failed;
  report.cases[1].attempts[0].message = "zebra missing";
  report.cases[1].attempts[1].outcome = model::Outcome::passed;
  const auto run = w.run([&](Context& c) { return import_report(c, report); });
  ASSERT_TRUE(run) << run.error().message;
  const model::Run stored = w.run_row(run->id);
  EXPECT_EQ(stored.verdict, model::RunVerdict::passed);
  EXPECT_EQ(stored.counts.flaky, 1);
  EXPECT_EQ(*stored.finished_at - *stored.started_at, Duration{5s});
  EXPECT_EQ(w.cases(run->id)[1].attempts.size(), 2U);
  EXPECT_EQ(store::list_runs(w.sql(), {.text = "zebra"})->runs.size(), 1U);
  EXPECT_EQ(get_suite(w.sql(), "shop/web")->suite.source, model::SuiteSource::adhoc);
  // There is nothing that could be started.
  const auto again = w.run([&](Context& c) { return rerun(c, w.rules, run->id, false, "me"); });
  EXPECT_EQ(again.error().code, Code::conflict);
  EXPECT_TRUE(holds(again.error().fix, "upload a new report")) << again.error().fix;
  EXPECT_EQ(w.start("shop/web").error().code, Code::conflict);
  report.cases[1].name = "good";
  EXPECT_EQ(w.run([&](Context& c) { return import_report(c, report); }).error().code,
            Code::invalid);
}

}  // namespace
}  // namespace baton::engine
