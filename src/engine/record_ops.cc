// SPDX-License-Identifier: MIT
// From records to rows. runner_ops.cc holds the operations of a runner's life.
#include "engine/record_ops.h"

#include <set>
#include <utility>

#include "engine/deadline_kinds.h"
#include "engine/gate_ops.h"
#include "engine/record_event.h"
#include "engine/run_finish.h"
#include "engine/run_ops.h"
#include "store/case_table.h"
#include "store/suite_table.h"

namespace baton::engine {
namespace {

using model::Attempt;
using model::CaseVerdict;
using store::CaseRow;
using store::RunRow;

// A plan may have 50,000 names; readers of the journal hold some hundred events in memory.
constexpr int kPlannedPerEvent = 200;

// One batch on its way into the tables.
class Batch {
 public:
  Batch(Context& context, RunRow& row) : context_(context), row_(row) {}

  Result<void> apply(const std::vector<model::Record>& records);

  Result<void> operator()(const std::monostate&) { return {}; }
  Result<void> operator()(const model::PlanRecord& plan);
  Result<void> operator()(const model::SetupRecord& setup);
  Result<void> operator()(const model::AttemptStarted& started);
  Result<void> operator()(const model::AttemptFinished& finished);
  Result<void> operator()(const model::ArtifactRecord& record);
  Result<void> operator()(const model::FinishedRecord& finished);

  RecordEvent& event() { return event_; }
  const std::optional<model::FinishedRecord>& end() const { return end_; }

 private:
  Result<CaseRow> case_of(const std::string& test);
  Result<void> add_planned(const std::string& test, int ord);
  Result<void> append_event();
  Result<void> close_earlier(const CaseRow& found, const std::string& test, int attempt);

  Context& context_;
  RunRow& row_;
  RecordEvent event_;
  int planned_ = 0;
  // Attempts that end within the batch: their start need not be written.
  std::set<std::pair<std::string_view, int>> ending_;
  std::optional<model::FinishedRecord> end_;
};

Result<void> Batch::apply(const std::vector<model::Record>& records) {
  for (const model::Record& record : records)
    if (const auto* finished = std::get_if<model::AttemptFinished>(&record.body))
      ending_.emplace(finished->test, finished->attempt);
  for (const model::Record& record : records) {
    if (record.seq <= row_.run.acked) continue;
    if (record.seq != row_.run.acked + 1)
      return fail(Code::invalid, "record {} was expected, but {} came", row_.run.acked + 1,
                  record.seq);
    row_.run.acked = record.seq;
    // After the last record there is nothing more to say.
    if (!end_) BATON_TRY_VOID(std::visit(*this, record.body));
  }
  return {};
}

Result<void> Batch::add_planned(const std::string& test, int ord) {
  BATON_TRY_VOID(model::check_case_name(test));
  BATON_TRY(test_id, store::test_id(context_.tx, row_.suite_id, test));
  BATON_TRY(added, store::add_case(context_.tx, row_.run.id, test_id, ord));
  if (!added) return {};
  ++row_.run.counts.total;
  ++row_.run.counts.pending;
  event_.planned(test);
  return ++planned_ % kPlannedPerEvent == 0 ? append_event() : Result<void>{};
}

// What came so far, as one event.
Result<void> Batch::append_event() {
  return store::mark_recorded(context_.tx, row_, std::exchange(event_, {}).take(row_.run));
}

// The case; made when the plan did not have it (reports name cases that discovery could not see).
Result<CaseRow> Batch::case_of(const std::string& test) {
  BATON_TRY(found, store::find_case(context_.tx.sql(), row_.suite_id, row_.run.id, test));
  if (found) return *found;
  BATON_TRY_VOID(add_planned(test, row_.run.counts.total));
  BATON_TRY(made, store::find_case(context_.tx.sql(), row_.suite_id, row_.run.id, test));
  if (!made) return fail(Code::internal, "a case that was added is not there");
  return *made;
}

// The next attempt has begun, so earlier ones are over. One that has no end was under way when its
// runner died: the successor sent its start from the spool.
Result<void> Batch::close_earlier(const CaseRow& found, const std::string& test, int attempt) {
  if (attempt <= 1) return {};
  BATON_TRY(attempts, store::case_attempts(context_.tx.sql(), row_.run.id, found.test_id));
  for (Attempt& earlier : attempts) {
    if (earlier.number >= attempt || earlier.outcome != model::Outcome::running) continue;
    earlier.outcome = model::Outcome::errored;
    earlier.interrupted = true;
    earlier.message = "interrupted (its runner was lost)";
    BATON_TRY_VOID(store::put_attempt(context_.tx, row_.run.id, found.test_id, earlier));
    event_.finished(test, earlier);
  }
  return {};
}

Result<void> Batch::operator()(const model::PlanRecord& plan) {
  int ord = row_.run.counts.total;
  for (const model::Case& entry : plan.cases) {
    BATON_TRY_VOID(add_planned(entry.name, ord));
    ord = row_.run.counts.total;
  }
  return {};
}

Result<void> Batch::operator()(const model::SetupRecord& setup) {
  row_.run.setup_log = setup.message.substr(0, store::kMessageMax);
  event_.setup(setup);
  return {};
}

Result<void> Batch::operator()(const model::AttemptStarted& started) {
  if (started.attempt < 1) return fail(Code::invalid, "attempts are numbered from 1");
  if (ending_.contains({started.test, started.attempt})) return {};
  BATON_TRY(found, case_of(started.test));
  BATON_TRY_VOID(close_earlier(found, started.test, started.attempt));
  Attempt attempt;
  attempt.number = started.attempt;
  attempt.started_at = started.at;
  BATON_TRY(stored, store::put_attempt(context_.tx, row_.run.id, found.test_id, attempt));
  if (stored) event_.started(started.test, started.attempt);
  return {};
}

Result<void> Batch::operator()(const model::AttemptFinished& finished) {
  if (finished.outcome == model::Outcome::running || finished.attempt < 1)
    return fail(Code::invalid, "an attempt that has ended needs a number and an outcome");
  BATON_TRY(found, case_of(finished.test));
  BATON_TRY_VOID(close_earlier(found, finished.test, finished.attempt));
  Attempt attempt{finished.test,
                  finished.attempt,
                  finished.outcome,
                  finished.soft_failure,
                  finished.at - finished.duration,
                  finished.duration,
                  finished.message,
                  finished.file,
                  finished.line,
                  finished.spans,
                  finished.values,
                  finished.log_bytes};
  BATON_TRY(stored, store::put_attempt(context_.tx, row_.run.id, found.test_id, attempt));
  if (stored) event_.finished(finished.test, attempt);
  const bool settled = found.verdict != CaseVerdict::pending;
  if (!finished.final_ && !(settled && stored)) return {};
  // A first attempt that ends the case needs no look at others.
  std::vector<Attempt> attempts;
  if (finished.attempt == 1 && !settled && stored) {
    attempts.push_back(std::move(attempt));
  } else {
    BATON_TRY(all, store::case_attempts(context_.tx.sql(), row_.run.id, found.test_id));
    attempts = std::move(all);
  }
  const CaseVerdict verdict = model::verdict_of(attempts, true, found.quarantined);
  const bool soft = model::is_soft(attempts);
  if (verdict == found.verdict && soft == found.soft) return {};
  BATON_TRY_VOID(store::set_case_verdict(context_.tx, row_.run.id, found.test_id, verdict, soft));
  model::add(row_.run.counts, found.verdict, -1);
  model::add(row_.run.counts, verdict, 1);
  event_.verdict(finished.test, verdict);
  return {};
}

Result<void> Batch::operator()(const model::ArtifactRecord& record) {
  BATON_TRY_VOID(model::check_artifact_path(record.artifact.path));
  BATON_TRY_VOID(store::put_artifact(context_.tx, row_.run.id, record.artifact));
  event_.artifact(record.artifact);
  return {};
}

Result<void> Batch::operator()(const model::FinishedRecord& finished) {
  end_ = finished;
  return {};
}

// A repetition of what is stored is answered as the first time, also after the run's end: the
// answer may have been lost.
bool is_repetition(const RunRow& row, int epoch, const std::vector<model::Record>& records) {
  return row.run.epoch == epoch && !records.empty() && records.back().seq <= row.run.acked;
}

}  // namespace

Result<Applied> apply_records(Context& context, const Rules& rules, RunId id, int epoch,
                              const std::vector<model::Record>& records) {
  BATON_TRY(row, get_run(context.tx.sql(), id));
  model::Run& run = row.run;
  if (run.state == model::RunState::finished) {
    if (is_repetition(row, epoch, records)) return Applied{run.acked, false, {}};
    return fail(Code::gone, "run {} has finished: {}", raw(id), name_of(run.verdict));
  }
  if (run.state != model::RunState::running || run.epoch != epoch)
    return fail(Code::conflict, "run {} is at epoch {}, not {}", raw(id), run.epoch, epoch);
  const std::int64_t acked_before = run.acked;
  Batch batch(context, row);
  BATON_TRY_VOID(batch.apply(records));
  if (!batch.event().empty()) {
    BATON_TRY_VOID(store::mark_recorded(context.tx, row, batch.event().take(run)));
  } else if (run.acked != acked_before) {
    BATON_TRY_VOID(store::set_acked(context.tx, id, run.acked));
  }
  if (const auto& end = batch.end()) {
    BATON_TRY_VOID(finish_run(context, rules, row, end->ending, end->message));
    return Applied{run.acked, false, {}};
  }
  // Its output grew, whether or not anything else was recorded.
  BATON_TRY_VOID(tell_gates_of(context, id));
  BATON_TRY_VOID(context.tx.set_deadline(kRunnerLost, store::run_subject(id),
                                         context.now.at + rules.runner_ttl));
  return Applied{run.acked, run.cancel_requested, run.cancel_reason};
}

}  // namespace baton::engine
