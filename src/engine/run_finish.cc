// SPDX-License-Identifier: MIT
#include "engine/run_finish.h"

#include <algorithm>
#include <set>
#include <string>

#include "engine/deadline_kinds.h"
#include "engine/gate_ops.h"
#include "engine/record_event.h"
#include "engine/run_lease.h"
#include "engine/schedule_ops.h"
#include "store/case_table.h"
#include "store/suite_table.h"
#include "store/token_table.h"

namespace baton::engine {
namespace {

using model::Attempt;
using model::CaseVerdict;
using model::Ending;
using store::RunRow;

// Words of failures beyond this are not indexed: one suite that fails with a megabyte of text would
// otherwise fill the index.
constexpr std::size_t kIndexedMessagesMax = 64 << 10;

constexpr Duration kRunnerTokenAfterEnd = std::chrono::hours{1};

Attempt close(const store::OpenAttempt& open, model::Outcome outcome, std::string_view message,
              TimePoint wall) {
  Attempt attempt;
  attempt.test = open.test;
  attempt.number = open.number;
  attempt.outcome = outcome;
  attempt.started_at = open.started_at;
  attempt.duration = std::max(Duration{0}, wall - open.started_at);
  attempt.message = std::string(message);
  return attempt;
}

std::string_view closing_message(Ending ending) {
  switch (ending) {
    case Ending::cancelled: return "cancelled with the run";
    case Ending::timed_out: return "the run timed out";
    case Ending::completed:
    case Ending::setup_failed:
    case Ending::errored: break;
  }
  return "the run ended before the attempt did";
}

// Gives the case the verdict that its attempts make, and moves the counts.
Result<CaseVerdict> settle_case(Context& context, RunRow& row, std::int64_t test_id) {
  BATON_TRY(attempts, store::case_attempts(context.tx.sql(), row.run.id, test_id));
  const CaseVerdict verdict = model::verdict_of(attempts, true, false);
  BATON_TRY_VOID(store::set_case_verdict(context.tx, row.run.id, test_id, verdict,
                                         model::is_soft(attempts)));
  return verdict;
}

// Closes attempts and cases; the event says what was done.
Result<void> settle_cases(Context& context, RunRow& row, Ending ending, RecordEvent& event) {
  store::Tx& tx = context.tx;
  const RunId run = row.run.id;
  BATON_TRY(open, store::open_attempts(tx.sql(), run));
  for (const store::OpenAttempt& one : open) {
    const Attempt attempt = close(one, model::outcome_of_unfinished(ending),
                                  closing_message(ending), context.now.wall);
    BATON_TRY_VOID(store::put_attempt(tx, run, one.test_id, attempt));
    event.finished(one.test, attempt);
  }
  BATON_TRY(tried, store::pending_tried(tx.sql(), run));
  std::set<std::int64_t> tests(tried.begin(), tried.end());
  for (const store::OpenAttempt& one : open) tests.insert(one.test_id);
  for (const std::int64_t test_id : tests) {
    BATON_TRY(verdict, settle_case(context, row, test_id));
    BATON_TRY(name, store::test_name(tx.sql(), test_id));
    event.verdict(name, verdict);
  }
  if (row.run.counts.pending > static_cast<int>(tried.size())) {
    const CaseVerdict verdict = model::verdict_of_unfinished(ending);
    BATON_TRY_VOID(store::settle_pending(tx, run, verdict));
    event.settled(verdict);
  }
  return {};
}

struct Summary {
  model::Counts counts;
  model::Tally tally;
};

Result<Summary> summarize(Context& context, RunId run) {
  BATON_TRY(verdicts, store::count_verdicts(context.tx.sql(), run));
  Summary summary;
  for (const store::VerdictCount& one : verdicts) {
    model::add(summary.counts, one.verdict, one.cases);
    summary.counts.total += one.cases;
    summary.tally.total += one.cases;
    const bool failed =
        one.verdict == CaseVerdict::failed || one.verdict == CaseVerdict::timed_out;
    if (failed && !one.soft) summary.tally.failed += one.cases;
    if (one.verdict == CaseVerdict::errored) summary.tally.errored += one.cases;
  }
  return summary;
}

Result<bool> may_be_empty(Context& context, const RunRow& row) {
  if (row.run.request.allow_empty) return *row.run.request.allow_empty;
  BATON_TRY(suite, store::find_suite(context.tx.sql(), row.suite_id));
  return suite && suite->suite.allow_empty;
}

Result<void> clear_deadlines(Context& context, RunId run) {
  const std::string subject = store::run_subject(run);
  for (const std::string_view kind : {kRunnerLost, kRunTimeout, kRunCancel})
    BATON_TRY_VOID(context.tx.clear_deadline(kind, subject));
  return {};
}

int allowed_attempts(const model::Suite& suite, const model::RunRequest& request,
                     std::string_view test) {
  if (request.max_attempts) return *request.max_attempts;
  for (const model::Case& entry : suite.cases)
    if (entry.name == test && entry.max_attempts) return *entry.max_attempts;
  return suite.max_attempts;
}

}  // namespace

Result<void> admit(Context& context, const Rules& rules) {
  for (;;) {
    BATON_TRY(load, store::run_load(context.tx.sql()));
    if (load.queued == 0 || load.running >= rules.running_runs) return {};
    BATON_TRY(oldest, store::oldest_startable(context.tx.sql()));
    if (!oldest) return {};
    BATON_TRY(row, store::find_run(context.tx.sql(), *oldest));
    if (!row) return fail(Code::internal, "run {} is queued but unknown", raw(*oldest));
    BATON_TRY_VOID(store::mark_started(context.tx, *row));
    BATON_TRY_VOID(context.tx.set_deadline(kRunnerLost, store::run_subject(row->run.id),
                                           context.now.at + rules.runner_start));
  }
}

Result<void> finish_run(Context& context, const Rules& rules, RunRow& row, Ending ending,
                        std::string_view message) {
  store::Tx& tx = context.tx;
  model::Run& run = row.run;
  const bool was_running = run.state == model::RunState::running;
  RecordEvent event;
  BATON_TRY_VOID(settle_cases(context, row, ending, event));
  BATON_TRY(summary, summarize(context, run.id));
  run.counts = summary.counts;
  bool allow_empty = false;
  if (summary.tally.total == 0) {
    BATON_TRY(allowed, may_be_empty(context, row));
    allow_empty = allowed;
  }
  run.verdict = model::verdict_of_run(summary.tally, ending, allow_empty);
  run.message = std::string(message);
  if (run.message.empty() && run.verdict == model::RunVerdict::empty)
    run.message = "no case was selected";
  if (!event.empty()) BATON_TRY_VOID(store::mark_recorded(tx, row, event.take(run)));
  BATON_TRY_VOID(store::mark_finished(tx, row));
  if (was_running) {
    BATON_TRY_VOID(clear_deadlines(context, run.id));
    // The runner may have to repeat its last words.
    BATON_TRY_VOID(
        store::expire_runner_tokens(tx, run.id, context.now.wall + kRunnerTokenAfterEnd));
  }
  BATON_TRY(messages, store::failure_messages(tx.sql(), run.id, kIndexedMessagesMax));
  BATON_TRY_VOID(store::index_run(tx, row, messages));
  BATON_TRY_VOID(release_for_run(context, rules, row));
  BATON_TRY_VOID(decide_gates_of(context, rules, row));
  if (!run.request.schedule.empty()) BATON_TRY_VOID(schedule_run_ended(context, rules, row));
  return admit(context, rules);
}

Result<void> interrupt_attempts(Context& context, RunRow& row, std::string_view message) {
  store::Tx& tx = context.tx;
  BATON_TRY(open, store::open_attempts(tx.sql(), row.run.id));
  if (open.empty()) return {};
  BATON_TRY(suite, store::find_suite(tx.sql(), row.suite_id));
  RecordEvent event;
  for (const store::OpenAttempt& one : open) {
    Attempt attempt = close(one, model::Outcome::errored, message, context.now.wall);
    attempt.interrupted = true;
    BATON_TRY_VOID(store::put_attempt(tx, row.run.id, one.test_id, attempt));
    event.finished(one.test, attempt);
    BATON_TRY(attempts, store::case_attempts(tx.sql(), row.run.id, one.test_id));
    BATON_TRY(found, store::find_case(tx.sql(), row.suite_id, row.run.id, one.test));
    if (!found || found->verdict != CaseVerdict::pending) continue;
    const int allowed =
        suite ? allowed_attempts(suite->suite, row.run.request, one.test) : 1;
    if (model::counted_attempts(attempts) < allowed) continue;
    BATON_TRY(verdict, settle_case(context, row, one.test_id));
    model::add(row.run.counts, CaseVerdict::pending, -1);
    model::add(row.run.counts, verdict, 1);
    event.verdict(one.test, verdict);
  }
  return store::mark_recorded(tx, row, event.take(row.run));
}

}  // namespace baton::engine
