// SPDX-License-Identifier: MIT
// What happened inside a run: cases with their attempts, and the result as a file for other tools.
#include <map>

#include "api/handlers.h"
#include "api/log_text.h"
#include "api/lookup.h"
#include "api/reply.h"
#include "api/submit.h"
#include "reports/writer.h"
#include "store/case_table.h"
#include "wire/page.h"
#include "wire/run_json.h"

namespace baton::api {
namespace {

// system-out of one attempt; the log route has all of it.
constexpr std::size_t kOutputMax = 64 << 10;

// Calls `take` for every case of the run, a page at a time.
Result<void> for_each_case(store::Session& session, RunId run,
                           const std::function<void(const model::CaseResult&)>& take) {
  store::CaseQuery query;
  for (;;) {
    BATON_TRY(page, store::list_cases(session, run, query));
    for (const model::CaseResult& item : page.cases) take(item);
    if (!page.next_after) return {};
    query.after = *page.next_after;
  }
}

// The file as one text: a run of 10,000 cases makes about 3 MiB.
template <class Writer>
Result<std::string> write_report(store::Session& session, const model::Run& run, Writer& writer,
                                 std::string& out) {
  writer.begin(run);
  BATON_TRY_VOID(for_each_case(session, run.id, [&](const model::CaseResult& item) {
    writer.add(item);
  }));
  BATON_TRY_VOID(writer.end());
  return std::move(out);
}

}  // namespace

Async list_tests(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(row, find_run(session, call.args[0]));
    store::CaseQuery query;
    BATON_TRY(limit, page_limit(call));
    BATON_TRY(cursor, integer_cursor(call));
    query.limit = limit;
    query.after = cursor.value_or(-1);
    if (const std::string_view verdict = call.query("verdict"); !verdict.empty()) {
      BATON_TRY(parsed, model::parse_case_verdict(verdict));
      query.verdict = parsed;
    }
    BATON_TRY(found, store::list_cases(session, row.run.id, query));
    BATON_TRY(artifacts, store::list_artifacts(session, row.run.id));
    std::map<std::string, std::vector<model::Artifact>> by_test;
    for (model::Artifact& artifact : artifacts)
      by_test[artifact.test].push_back(std::move(artifact));
    Page page(context, call);
    for (const model::CaseResult& item : found.cases)
      wire::write_case_result(page.items(), item, by_test[item.name]);
    std::optional<std::string> next;
    if (found.next_after) next = wire::encode_cursor(*found.next_after);
    return page.finish(next);
  });
}

Async get_junit(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(row, find_run(session, call.args[0]));
    std::string out;
    reports::JunitWriter writer(
        [&out](std::string_view piece) -> Result<void> {
          out += piece;
          return {};
        },
        [&](const std::string& test, int attempt) {
          return output_text(context, row.run.id, test, attempt, kOutputMax);
        });
    BATON_TRY(text, write_report(session, row.run, writer, out));
    return net::reply(200, "application/xml", std::move(text));
  });
}

Async get_ctrf(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(row, find_run(session, call.args[0]));
    std::string out;
    reports::CtrfWriter writer([&out](std::string_view piece) -> Result<void> {
      out += piece;
      return {};
    });
    BATON_TRY(text, write_report(session, row.run, writer, out));
    return json_reply(200, std::move(text));
  });
}

}  // namespace baton::api
