// SPDX-License-Identifier: MIT
// handoff's routes for suites and runs: the same paths, parameters and field names.
#include <algorithm>
#include <charconv>

#include "api/handlers.h"
#include "api/legacy_json.h"
#include "api/legacy_page.h"
#include "api/log_text.h"
#include "api/lookup.h"
#include "api/reply.h"
#include "api/submit.h"
#include "engine/run_ops.h"
#include "net/url.h"
#include "store/case_table.h"

namespace baton::api {
namespace {

// handoff has no pages: the newest runs in one answer, more than a person looks at.
constexpr int kRunsMax = 500;
constexpr std::size_t kLogMax = 1 << 20;

// handoff's names are unique on the server; where they are not here, the default namespace counts.
Result<store::SuiteRow> legacy_suite(store::Session& session, std::string_view name) {
  auto row = find_suite(session, name);
  if (!row && row.error().code == Code::invalid)
    return find_suite(session, "default/" + std::string{name});
  return row;
}

Result<std::vector<model::CaseResult>> all_cases(store::Session& session, RunId run) {
  std::vector<model::CaseResult> cases;
  store::CaseQuery query;
  for (;;) {
    BATON_TRY(page, store::list_cases(session, run, query));
    std::move(page.cases.begin(), page.cases.end(), std::back_inserter(cases));
    if (!page.next_after) return cases;
    query.after = *page.next_after;
  }
}

Result<store::RunRow> legacy_run(store::Session& session, const store::SuiteRow& suite,
                                 std::string_view text) {
  std::int64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc{} || end != text.data() + text.size())
    return fail(Code::invalid, "malformed request param: run id reason: \"{}\" is not an integer",
                text);
  BATON_TRY(row, store::find_run_by_number(session, suite.id, number));
  if (!row) return fail(Code::not_found, "suite {} has no run {}", suite.suite.name, number);
  return *std::move(row);
}

std::string no_log(const std::string&, int) { return {}; }

LogOf logs_of(Context& context, RunId run) {
  return [&context, run](const std::string& test, int attempt) {
    return output_text(context, run, test, attempt, kLogMax);
  };
}

// In handoff's words. (POST /runs takes a filter that selects none of the known cases.)
Result<void> check_legacy_filter(store::Session& session, const model::Suite& suite,
                                 std::string_view filter) {
  if (!engine::check_filter(filter))
    return fail(Code::invalid, "malformed request param: filter reason: invalid regex");
  BATON_TRY(nothing, engine::selects_nothing(session, suite.id(), filter));
  if (nothing)
    return fail(Code::invalid,
                "malformed request param: filter reason: no tests match the given filter");
  return {};
}

Result<std::string> run_body(Context& context, store::Session& session,
                             const store::SuiteRow& suite, const store::RunRow& row,
                             const LogOf& log_of) {
  BATON_TRY(cases, all_cases(session, row.run.id));
  wire::JsonWriter out;
  write_legacy_run(out, {row.run, suite.suite, std::move(cases), context.settings.environment},
                   log_of);
  return out.take();
}

}  // namespace

Async legacy_list_suites(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    wire::JsonWriter out;
    LegacyPage page("Suites");
    out.begin_array();
    std::string after;
    for (;;) {
      BATON_TRY(rows, store::list_suites(session, after, kPageMax));
      for (const store::SuiteRow& row : rows) {
        write_legacy_suite(out, row.suite);
        page.line("/suites/" + row.suite.name + "/runs", row.suite.id());
      }
      if (static_cast<int>(rows.size()) < kPageMax) break;
      after = rows.back().suite.id();
    }
    if (wants_html(call)) return page.finish();
    return json_reply(200, out.end_array().take());
  });
}

Async legacy_start_run(Context& context, Call& call) {
  auto suite = read(context, [&](store::Session& session) -> Result<store::SuiteRow> {
    BATON_TRY(row, legacy_suite(session, call.args[0]));
    BATON_TRY_VOID(check_legacy_filter(session, row.suite, call.query("filter")));
    return row;
  });
  if (!suite) co_return tl::unexpected(suite.error());
  model::RunRequest request;
  request.suite = suite->suite.id();
  request.filter = call.query("filter");
  request.reference = call.query("ref");
  request.triggered_by = call.query("initiatedby");
  request.traceparent = call.request.headers.get("traceparent");
  const std::string key{call.request.headers.get("Idempotency-Key")};
  if (!key.empty()) request.labels[kLegacyKeyLabel] = key;
  // handoff ignores the body, so it is no part of what makes two requests the same.
  call.request.body.clear();
  Post post{.scope = "legacy:" + request.suite, .keep = kKeepLegacyAnswers};
  PostOperation operation = [&context, suite = *suite, request = std::move(request)](
                                engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(run, engine::start_run(c, context.rules, request));
    wire::JsonWriter out;
    write_legacy_run(out, {run, suite.suite, {}, context.settings.environment}, no_log);
    return store::StoredAnswer{201, fmt::format("/suites/{}/runs/{}", suite.suite.name, run.number),
                               out.take()};
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  co_return answer;
}

Async legacy_list_runs(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(suite, legacy_suite(session, call.args[0]));
    store::RunQuery query;
    query.suite = suite.suite.id();
    query.limit = kRunsMax;
    BATON_TRY(found, store::list_runs(session, query));
    std::reverse(found.runs.begin(), found.runs.end());
    wire::JsonWriter out;
    LegacyPage page("Runs of " + suite.suite.name);
    out.begin_array();
    for (const store::RunRow& row : found.runs) {
      BATON_TRY(body, run_body(context, session, suite, row, no_log));
      out.raw(body);
      page.line(fmt::format("/suites/{}/runs/{}", suite.suite.name, row.run.number),
                fmt::format("#{} {}", row.run.number, legacy_result_of(row.run)));
    }
    if (wants_html(call)) return page.finish();
    return json_reply(200, out.end_array().take());
  });
}

Async legacy_get_run(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(suite, legacy_suite(session, call.args[0]));
    BATON_TRY(row, legacy_run(session, suite, call.args[1]));
    if (wants_html(call)) {
      LegacyPage page(
          fmt::format("{} #{}: {}", suite.suite.name, row.run.number, legacy_result_of(row.run)));
      BATON_TRY(cases, all_cases(session, row.run.id));
      for (const model::CaseResult& item : cases)
        page.line(fmt::format("/suites/{}/runs/{}/test/{}", suite.suite.name, row.run.number,
                              net::percent_encode(item.name)),
                  fmt::format("{}: {}", item.name, name_of(item.verdict)));
      return page.finish();
    }
    BATON_TRY(body, run_body(context, session, suite, row, logs_of(context, row.run.id)));
    return json_reply(200, std::move(body));
  });
}

Async legacy_get_test(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(suite, legacy_suite(session, call.args[0]));
    BATON_TRY(row, legacy_run(session, suite, call.args[1]));
    BATON_TRY(result, store::read_case(session, row.run.id, call.args[2]));
    const LegacyRun item{row.run, suite.suite, {}, context.settings.environment};
    if (wants_html(call)) {
      LegacyPage page(fmt::format("{} #{}: {}", suite.suite.name, row.run.number, call.args[2]));
      if (result)
        for (const model::Attempt& attempt : result->attempts)
          page.text(
              fmt::format("attempt {}: {}\n{}", attempt.number, name_of(attempt.outcome),
                          output_text(context, row.run.id, result->name, attempt.number, kLogMax)));
      return page.finish();
    }
    wire::JsonWriter out;
    out.begin_array();
    if (result) write_legacy_attempts(out, item, *result, logs_of(context, row.run.id));
    return json_reply(200, out.end_array().take());
  });
}

}  // namespace baton::api
