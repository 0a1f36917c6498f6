// SPDX-License-Identifier: MIT
// What happened inside a run: cases with their attempts, and the result as a file for other tools.
#include <map>
#include <memory>
#include <utility>

#include "api/handlers.h"
#include "api/log_text.h"
#include "api/lookup.h"
#include "api/pieces.h"
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

// Cases per piece: with the output of three attempts each some 10 MiB at most.
constexpr int kCasesPerPiece = 50;

// A report under construction: a page of cases per piece, each read from the present state.
template <class Writer>
class ReportPieces {
 public:
  template <class... Arguments>
  ReportPieces(Context& context, model::Run run, Arguments... arguments)
      : context_(context),
        run_(std::move(run)),
        writer_(
            [this](std::string_view piece) -> Result<void> {
              out_ += piece;
              return {};
            },
            std::move(arguments)...) {
    query_.limit = kCasesPerPiece;
    writer_.begin(run_);
  }

  Result<std::string> next() {
    if (ended_) return std::string{};
    BATON_TRY(page, read(context_, [this](store::Session& session) {
                return store::list_cases(session, run_.id, query_);
              }));
    for (const model::CaseResult& item : page.cases) writer_.add(item);
    query_.after = page.next_after.value_or(query_.after);
    ended_ = !page.next_after;
    if (ended_) BATON_TRY_VOID(writer_.end());
    return std::exchange(out_, {});
  }

 private:
  Context& context_;
  const model::Run run_;
  store::CaseQuery query_;
  std::string out_;
  Writer writer_;
  bool ended_ = false;
};

template <class Writer, class... Arguments>
Answer report_reply(Context& context, Call& call, std::string type, Arguments... arguments) {
  BATON_TRY(row, read(context, [&](store::Session& session) {
              return find_run(session, call.args[0]);
            }));
  auto pieces =
      std::make_shared<ReportPieces<Writer>>(context, std::move(row.run), std::move(arguments)...);
  return pieces_reply(context, std::move(type), [pieces] { return pieces->next(); });
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
  auto run = run_id_of(call.args[0]);
  if (!run) co_return tl::unexpected(run.error());
  reports::OutputOf output_of = [&context, run = *run](const std::string& test, int attempt) {
    return output_text(context, run, test, attempt, kOutputMax);
  };
  co_return report_reply<reports::JunitWriter>(context, call, "application/xml",
                                               std::move(output_of));
}

Async get_ctrf(Context& context, Call& call) {
  co_return report_reply<reports::CtrfWriter>(context, call, "application/json");
}

}  // namespace baton::api
