// SPDX-License-Identifier: MIT
#include "engine/run_ops.h"

#include <re2/re2.h>

#include <utility>

#include "base/text.h"
#include "engine/deadline_kinds.h"
#include "engine/run_finish.h"
#include "engine/run_lease.h"
#include "store/case_table.h"
#include "store/token_table.h"

namespace baton::engine {
namespace {

using model::RunState;
using store::RunRow;
using store::SuiteRef;

// Bounds the automaton of a filter, whatever a caller sends.
constexpr std::int64_t kFilterMemoryMax = 1 << 20;

RE2::Options filter_options() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kFilterMemoryMax);
  return options;
}

// A suite that exists only for the reports that were uploaded to it has no program.
Result<void> check_runnable(store::Session& session, const SuiteRef& suite) {
  if (suite.source != model::SuiteSource::adhoc) return {};
  BATON_TRY(row, store::find_suite(session, suite.id));
  if (!row || !row->suite.command.empty()) return {};
  return fail_with_fix(Code::conflict,
                       "upload a new report (`baton report upload`), or declare the suite with its "
                       "command",
                       "the suite {} has no command: its results were uploaded",
                       suite.full_name());
}

tl::unexpected<Error> unknown_suite(store::Session& session, std::string_view suite) {
  auto names = store::suite_names(session);
  std::string near;
  if (names) {
    near = nearest(suite, *names);
    // "chekout" is near to "pay/checkout" once the namespace is set aside.
    if (near.empty() && suite.find('/') == std::string_view::npos) {
      std::vector<std::string> bare;
      for (const std::string& name : *names) bare.push_back(name.substr(name.find('/') + 1));
      near = nearest(suite, bare);
    }
  }
  return fail_with_fix(
      Code::not_found,
      near.empty() ? "`baton suites ls` lists the suites" : fmt::format("did you mean {}?", near),
      "the suite {} is unknown", json_quote(suite));
}

}  // namespace

Result<SuiteRef> resolve_suite(store::Session& session, std::string_view suite) {
  const std::size_t slash = suite.find('/');
  if (slash != std::string_view::npos) {
    BATON_TRY(found,
              store::find_suite_ref(session, suite.substr(0, slash), suite.substr(slash + 1)));
    if (!found || found->state == store::SuiteState::deleted) return unknown_suite(session, suite);
    if (found->state == store::SuiteState::undeclared)
      return fail_with_fix(Code::not_found, "declare it in baton.yaml again, or PUT it",
                           "the suite {} is no longer declared", suite);
    return *found;
  }
  BATON_TRY(found, store::suites_named(session, suite));
  if (found.empty()) return unknown_suite(session, suite);
  if (found.size() > 1) {
    std::string names;
    for (const SuiteRef& one : found) names += (names.empty() ? "" : ", ") + one.full_name();
    return fail_with_fix(Code::invalid, "name its namespace too", "there are several suites {}: {}",
                         json_quote(suite), names);
  }
  return found[0];
}

Result<void> check_filter(std::string_view filter) {
  if (filter.empty()) return {};
  const RE2 expression(re2::StringPiece(filter.data(), filter.size()), filter_options());
  if (expression.ok()) return {};
  return fail_with_fix(
      Code::invalid, "use RE2 syntax; a text that is meant literally needs \\Q…\\E",
      "the filter {} is not a regular expression: {}", json_quote(filter), expression.error());
}

Result<bool> selects_nothing(store::Session& session, std::string_view suite,
                             std::string_view filter) {
  BATON_TRY(ref, resolve_suite(session, suite));
  BATON_TRY_VOID(check_filter(filter));
  if (filter.empty()) return false;
  BATON_TRY(row, store::find_suite(session, ref.id));
  if (!row || row->suite.cases.empty()) return false;
  const RE2 expression(re2::StringPiece(filter.data(), filter.size()), filter_options());
  for (const model::Case& entry : row->suite.cases)
    if (RE2::PartialMatch(entry.name, expression)) return false;
  return true;
}

Result<model::Run> start_run(Context& context, const Rules& rules, model::RunRequest request) {
  BATON_TRY_VOID(check_run_request(request));
  BATON_TRY_VOID(check_filter(request.filter));
  BATON_TRY(suite, resolve_suite(context.tx.sql(), request.suite));
  BATON_TRY_VOID(check_runnable(context.tx.sql(), suite));
  RunRow row;
  row.suite_id = suite.id;
  model::Run& run = row.run;
  run.namespace_ = suite.namespace_;
  run.suite = suite.name;
  run.queued_at = context.now.wall;
  run.request = std::move(request);
  run.request.suite = suite.full_name();
  if (run.request.environment.empty()) run.request.environment = suite.environment;
  BATON_TRY_VOID(store::insert_run(context.tx, row, rules.queued_runs));
  BATON_TRY_VOID(lease_for_run(context, rules, row));
  model::Run as_queued = run;
  BATON_TRY_VOID(admit(context, rules));
  return as_queued;
}

Result<model::Run> cancel_run(Context& context, const Rules& rules, RunId id,
                              std::string_view reason) {
  BATON_TRY(row, get_run(context.tx.sql(), id));
  if (row.run.state == RunState::finished) {
    if (row.run.verdict == model::RunVerdict::cancelled) return row.run;
    return fail(Code::conflict, "run {} has finished: {}", raw(id), name_of(row.run.verdict));
  }
  if (row.run.cancel_requested) return row.run;
  if (row.run.state != RunState::running) {
    row.run.cancel_reason = std::string(reason);
    BATON_TRY_VOID(finish_run(context, rules, row, model::Ending::cancelled, reason));
    return row.run;
  }
  BATON_TRY_VOID(store::mark_cancel_requested(context.tx, row, reason));
  BATON_TRY(suite, store::find_suite(context.tx.sql(), row.suite_id));
  const Duration grace = suite ? suite->suite.kill_grace : Duration{0};
  BATON_TRY_VOID(context.tx.set_deadline(kRunCancel, store::run_subject(id),
                                         context.now.at + grace + rules.cancel_grace));
  return row.run;
}

Result<model::Run> rerun(Context& context, const Rules& rules, RunId id, bool failed_only,
                         std::string_view triggered_by) {
  BATON_TRY(row, get_run(context.tx.sql(), id));
  if (row.run.state != RunState::finished)
    return fail_with_fix(Code::conflict, "wait for its end, or cancel it",
                         "run {} has not finished", raw(id));
  model::RunRequest request = row.run.request;
  request.schedule.clear();
  request.triggered_by = std::string(triggered_by);
  request.rerun_of = id;
  if (failed_only) {
    BATON_TRY(names, store::cases_without_success(context.tx.sql(), id));
    // A run that erred before it had any case is run again as a whole.
    if (names.empty() && row.run.counts.total > 0)
      return fail_with_fix(Code::conflict, "rerun it without failed_only",
                           "no case of run {} failed", raw(id));
    request.only = std::move(names);
  }
  return start_run(context, rules, std::move(request));
}

Result<void> delete_run(Context& context, RunId id) {
  store::Tx& tx = context.tx;
  BATON_TRY(row, get_run(tx.sql(), id));
  if (row.run.state != RunState::finished)
    return fail_with_fix(Code::conflict, "cancel it first", "run {} has not finished", raw(id));
  BATON_TRY(digests, store::unshared_digests(tx.sql(), id));
  std::string list;
  for (const std::string& digest : digests) list += (list.empty() ? "" : ",") + json_quote(digest);
  BATON_TRY_VOID(store::remove_cases(tx, id));
  BATON_TRY_VOID(store::remove_runner_tokens(tx, id));
  return store::remove_run(tx, row,
                           fmt::format(R"({{"suite":{},"digests":[{}]}})",
                                       json_quote(row.run.namespace_ + "/" + row.run.suite), list));
}

Result<RunRow> get_run(store::Session& session, RunId id) {
  BATON_TRY(row, store::find_run(session, id));
  if (row) return *std::move(row);
  BATON_TRY(was, store::was_run(session, id));
  if (was) return fail(Code::gone, "run {} was deleted", raw(id));
  return fail(Code::not_found, "run {} is unknown", raw(id));
}

}  // namespace baton::engine
