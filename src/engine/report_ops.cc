// SPDX-License-Identifier: MIT
#include "engine/report_ops.h"

#include <set>
#include <utility>

#include "base/text.h"
#include "engine/record_event.h"
#include "engine/run_ops.h"
#include "model/case_limit.h"
#include "model/verdict.h"
#include "store/case_table.h"
#include "store/run_table.h"
#include "store/suite_table.h"

namespace baton::engine {
namespace {

using store::RunRow;

// Keeps a single event to some ten kilobytes.
constexpr std::size_t kCasesPerEvent = 200;

Result<store::SuiteRef> find_or_make(Context& context, const std::string& name) {
  auto found = resolve_suite(context.tx.sql(), name);
  if (found || found.error().code != Code::not_found) return found;
  model::Suite suite;
  const std::size_t slash = name.find('/');
  if (slash != std::string::npos) suite.namespace_ = name.substr(0, slash);
  suite.name = slash == std::string::npos ? name : name.substr(slash + 1);
  suite.kind = model::Kind::junit;
  suite.source = model::SuiteSource::adhoc;
  BATON_TRY_VOID(check_suite(suite));
  BATON_TRY_VOID(store::put_suite(context.tx, suite));
  return resolve_suite(context.tx.sql(), suite.id());
}

Result<void> check_cases(const std::vector<model::CaseResult>& cases) {
  if (cases.size() > model::kCasesMax)
    return fail_with_fix(Code::too_large, "upload it in parts",
                         "the report has {} cases, at most {}", cases.size(), model::kCasesMax);
  std::set<std::string_view> names;
  for (const model::CaseResult& result : cases) {
    BATON_TRY_VOID(model::check_case_name(result.name));
    if (!names.insert(result.name).second)
      return fail(Code::invalid, "the case {} is in the report twice", json_quote(result.name));
  }
  return {};
}

Result<void> store_case(Context& context, const RunRow& row, const model::CaseResult& result,
                        int ord, RecordEvent& event) {
  BATON_TRY(test_id, store::test_id(context.tx, row.suite_id, result.name));
  BATON_TRY_VOID(store::add_case(context.tx, row.run.id, test_id, ord));
  event.planned(result.name);
  for (const model::Attempt& attempt : result.attempts) {
    BATON_TRY_VOID(store::put_attempt(context.tx, row.run.id, test_id, attempt));
    event.finished(result.name, attempt);
  }
  event.verdict(result.name, result.verdict);
  return store::set_case_verdict(context.tx, row.run.id, test_id, result.verdict,
                                 model::is_soft(result.attempts));
}

}  // namespace

Result<RunId> reserve_run(Context& context) { return store::reserve_run_id(context.tx); }

Result<model::Run> import_report(Context& context, const ImportedReport& report) {
  BATON_TRY_VOID(check_run_request(report.request));
  BATON_TRY_VOID(check_cases(report.cases));
  BATON_TRY(suite, find_or_make(context, report.request.suite));
  std::vector<model::CaseResult> cases = report.cases;
  Duration took = report.duration;
  for (model::CaseResult& result : cases) {
    int number = 0;
    for (model::Attempt& attempt : result.attempts) {
      attempt.number = ++number;
      if (attempt.outcome == model::Outcome::running) attempt.outcome = model::Outcome::errored;
      if (report.duration == Duration{0}) took += attempt.duration;
    }
    result.verdict = model::verdict_of(result.attempts, true, false);
  }
  RunRow row;
  row.suite_id = suite.id;
  model::Run& run = row.run;
  run.id = report.id;
  run.namespace_ = suite.namespace_;
  run.suite = suite.name;
  run.state = model::RunState::finished;
  run.request = report.request;
  run.request.suite = suite.full_name();
  run.queued_at = context.now.wall;
  run.started_at = report.started_at.value_or(context.now.wall - took);
  run.finished_at = *run.started_at + took;
  run.counts = model::count(cases);
  run.flaky = run.counts.flaky > 0;
  const bool errored = !report.errored.empty();
  run.verdict = model::verdict_of_run(
      cases, errored ? model::Ending::errored : model::Ending::completed,
      report.request.allow_empty.value_or(false));
  run.message = report.errored;
  if (run.verdict == model::RunVerdict::empty && !errored) run.message = "the report has no case";
  BATON_TRY_VOID(store::insert_finished_run(context.tx, row));
  RecordEvent event;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    BATON_TRY_VOID(store_case(context, row, cases[i], static_cast<int>(i), event));
    if ((i + 1) % kCasesPerEvent != 0 && i + 1 != cases.size()) continue;
    BATON_TRY_VOID(store::mark_recorded(context.tx, row, event.take(run)));
    event = {};
  }
  BATON_TRY_VOID(store::announce_finished(context.tx, row));
  BATON_TRY(messages, store::failure_messages(context.tx.sql(), run.id, 64 << 10));
  BATON_TRY_VOID(store::index_run(context.tx, row, messages));
  return std::move(run);
}

}  // namespace baton::engine
