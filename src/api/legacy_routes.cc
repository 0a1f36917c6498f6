// SPDX-License-Identifier: MIT
// handoff's routes for suites and runs: the same paths, parameters and field names.
#include <algorithm>
#include <charconv>
#include <memory>
#include <set>
#include <utility>

#include "api/handlers.h"
#include "api/legacy_json.h"
#include "api/legacy_page.h"
#include "api/log_text.h"
#include "api/lookup.h"
#include "api/pieces.h"
#include "api/reply.h"
#include "api/submit.h"
#include "engine/run_ops.h"
#include "net/url.h"
#include "store/case_table.h"

namespace baton::api {
namespace {

// handoff has no pages: all runs are one answer, which is read and sent in parts.
constexpr int kRunsPerRead = 500;
constexpr std::size_t kPiece = 64 << 10;
// Of the log of one attempt, and of all logs of an answer: it is made in memory.
constexpr std::size_t kLogMax = 1 << 20;
constexpr std::size_t kLogsMax = 32 << 20;

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
  return [&context, run, left = kLogsMax](const std::string& test, int attempt) mutable {
    if (left == 0)
      return fmt::format("[left out; GET /api/v1/runs/{}/log has it]\n", raw(run));
    std::string text = output_text(context, run, test, attempt, std::min(kLogMax, left));
    left -= std::min(left, text.size());
    return text;
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

std::string run_body(const Context& context, const store::SuiteRow& suite, const model::Run& run,
                     std::vector<model::CaseResult> cases, const LogOf& log_of) {
  wire::JsonWriter out;
  write_legacy_run(out, {run, suite.suite, std::move(cases), context.settings.environment}, log_of);
  return out.take();
}

// All runs of the suite by number.
Result<std::vector<RunId>> run_ids(Context& context, const model::Suite& suite) {
  store::RunQuery query;
  query.suite = suite.id();
  query.limit = kRunsPerRead;
  std::vector<RunId> ids;
  do {
    BATON_TRY(found, read(context, [&](store::Session& session) {
                return store::list_runs(session, query);
              }));
    for (const store::RunRow& row : found.runs) ids.push_back(row.run.id);
    query.before = found.next_before;
  } while (query.before);
  std::reverse(ids.begin(), ids.end());
  return ids;
}

// The list of runs as JSON, some runs per piece. A run that is deleted meanwhile is left out.
class RunPieces {
 public:
  RunPieces(Context& context, store::SuiteRow suite, std::vector<RunId> ids)
      : context_(context), suite_(std::move(suite)), ids_(std::move(ids)) {}

  Result<std::string> next() {
    if (ended_) return std::string{};
    std::string out = next_ == 0 ? "[" : "";
    for (; next_ < ids_.size() && out.size() < kPiece; ++next_) BATON_TRY_VOID(add(out));
    ended_ = next_ == ids_.size();
    if (ended_) out += ']';
    return out;
  }

 private:
  Result<void> add(std::string& out) {
    BATON_TRY(snapshot, context_.store.snapshot());
    BATON_TRY(row, store::find_run(snapshot.sql(), ids_[next_]));
    if (!row) return {};
    BATON_TRY(cases, all_cases(snapshot.sql(), ids_[next_]));
    out += std::exchange(any_, true) ? "," : "";
    out += run_body(context_, suite_, row->run, std::move(cases), no_log);
    return {};
  }

  Context& context_;
  const store::SuiteRow suite_;
  const std::vector<RunId> ids_;
  std::size_t next_ = 0;
  bool any_ = false;
  bool ended_ = false;
};

// The suite's part of links: as the caller named it, with the namespace where the name needs it.
std::string suite_link(const Call& call) {
  return "/suites/" + net::percent_encode(call.args[0]);
}

Answer runs_page(Context& context, const Call& call, const std::vector<RunId>& ids) {
  LegacyPage page("Runs of " + call.args[0]);
  for (const RunId id : ids) {
    BATON_TRY(row, read(context, [&](store::Session& session) {
                return store::find_run(session, id);
              }));
    if (row)
      page.line(fmt::format("{}/runs/{}", suite_link(call), row->run.number),
                fmt::format("#{} {}", row->run.number, legacy_result_of(row->run)));
  }
  return page.finish();
}

// What the answers about one run are made of.
struct Found {
  store::SuiteRow suite;
  store::RunRow row;
  std::vector<model::CaseResult> cases;
};

// test: of all cases only this one, where it is set.
Result<Found> find_legacy_run(Context& context, const Call& call, const std::string* test) {
  return read(context, [&](store::Session& session) -> Result<Found> {
    BATON_TRY(suite, legacy_suite(session, call.args[0]));
    BATON_TRY(row, legacy_run(session, suite, call.args[1]));
    Found found{std::move(suite), std::move(row), {}};
    if (test == nullptr) {
      BATON_TRY(cases, all_cases(session, found.row.run.id));
      found.cases = std::move(cases);
    } else {
      BATON_TRY(result, store::read_case(session, found.row.run.id, *test));
      if (result) found.cases.push_back(*std::move(result));
    }
    return found;
  });
}

Answer runs_answer(Context& context, const Call& call) {
  BATON_TRY(suite, read(context, [&](store::Session& session) {
              return legacy_suite(session, call.args[0]);
            }));
  BATON_TRY(ids, run_ids(context, suite.suite));
  if (wants_html(call)) return runs_page(context, call, ids);
  auto pieces = std::make_shared<RunPieces>(context, std::move(suite), std::move(ids));
  return pieces_reply(context, "application/json", [pieces] { return pieces->next(); });
}

Answer run_answer(Context& context, const Call& call) {
  BATON_TRY(found, find_legacy_run(context, call, nullptr));
  auto& [suite, row, cases] = found;
  if (!wants_html(call))
    return json_reply(200, run_body(context, suite, row.run, std::move(cases),
                                    logs_of(context, row.run.id)));
  LegacyPage page(
      fmt::format("{} #{}: {}", suite.suite.name, row.run.number, legacy_result_of(row.run)));
  for (const model::CaseResult& item : cases)
    page.line(fmt::format("{}/runs/{}/test/{}", suite_link(call), row.run.number,
                          net::percent_encode(item.name)),
              fmt::format("{}: {}", item.name, name_of(item.verdict)));
  return page.finish();
}

Answer test_answer(Context& context, const Call& call) {
  BATON_TRY(found, find_legacy_run(context, call, &call.args[2]));
  const model::Run& run = found.row.run;
  const LogOf log_of = logs_of(context, run.id);
  if (wants_html(call)) {
    LegacyPage page(fmt::format("{} #{}: {}", found.suite.suite.name, run.number, call.args[2]));
    for (const model::CaseResult& result : found.cases)
      for (const model::Attempt& attempt : result.attempts)
        page.text(fmt::format("attempt {}: {}\n{}", attempt.number, name_of(attempt.outcome),
                              log_of(result.name, attempt.number)));
    return page.finish();
  }
  const LegacyRun item{run, found.suite.suite, {}, context.settings.environment};
  wire::JsonWriter out;
  out.begin_array();
  for (const model::CaseResult& result : found.cases)
    write_legacy_attempts(out, item, result, log_of);
  return json_reply(200, out.end_array().take());
}

}  // namespace

Async legacy_list_suites(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    wire::JsonWriter out;
    out.begin_array();
    std::multiset<std::string> names;
    std::vector<std::pair<std::string, std::string>> suites;
    std::string after;
    for (;;) {
      BATON_TRY(rows, store::list_suites(session, after, kPageMax));
      for (const store::SuiteRow& row : rows) {
        write_legacy_suite(out, row.suite);
        names.insert(row.suite.name);
        suites.push_back({row.suite.namespace_, row.suite.name});
      }
      if (static_cast<int>(rows.size()) < kPageMax) break;
      after = rows.back().suite.id();
    }
    if (!wants_html(call)) return json_reply(200, out.end_array().take());
    LegacyPage page("Suites");
    for (const auto& [namespace_, name] : suites) {
      const std::string id = namespace_ + "/" + name;
      page.line("/suites/" + net::percent_encode(names.count(name) > 1 ? id : name) + "/runs", id);
    }
    return page.finish();
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
  PostOperation operation =
      [&context, suite = *suite, request = std::move(request),
       link = suite_link(call)](engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(run, engine::start_run(c, context.rules, request));
    wire::JsonWriter out;
    write_legacy_run(out, {run, suite.suite, {}, context.settings.environment}, no_log);
    return store::StoredAnswer{201, fmt::format("{}/runs/{}", link, run.number), out.take()};
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  co_return answer;
}

// These answers may be long and read logs: they are made on a thread of the disk.
Async legacy_list_runs(Context& context, Call& call) {
  auto answer = co_await context.disk.run<Answer>([&] { return runs_answer(context, call); });
  co_return answer;
}

Async legacy_get_run(Context& context, Call& call) {
  auto answer = co_await context.disk.run<Answer>([&] { return run_answer(context, call); });
  co_return answer;
}

Async legacy_get_test(Context& context, Call& call) {
  auto answer = co_await context.disk.run<Answer>([&] { return test_answer(context, call); });
  co_return answer;
}

}  // namespace baton::api
