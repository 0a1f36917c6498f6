// SPDX-License-Identifier: MIT
// Files that tests left. They are made by test code and may be hostile: they are always offered as
// a download, never sniffed, and run in a sandbox should a browser show them after all.
#include <algorithm>

#include "api/artifact_answer.h"
#include "api/handlers.h"
#include "api/lookup.h"
#include "api/reply.h"
#include "api/submit.h"
#include "store/case_table.h"
#include "wire/page.h"
#include "wire/run_json.h"

namespace baton::api {
namespace {

struct Filter {
  const std::string* test = nullptr;
  std::optional<std::int64_t> attempt;

  bool takes(const model::Artifact& artifact) const {
    return (test == nullptr || artifact.test == *test) &&
           (!attempt || artifact.attempt == *attempt);
  }
};

Result<Filter> filter_of(const Call& call) {
  Filter filter;
  filter.test = call.request.parameter("test");
  BATON_TRY(attempt, integer_query(call, "attempt", 0, INT32_MAX));
  filter.attempt = attempt;
  return filter;
}

Result<model::Artifact> find_artifact(Context& context, const Call& call) {
  return read(context, [&](store::Session& session) -> Result<model::Artifact> {
    BATON_TRY(row, find_run(session, call.args[0]));
    BATON_TRY_VOID(model::check_artifact_path(call.args[1]));
    BATON_TRY(filter, filter_of(call));
    BATON_TRY(found, store::list_artifacts(session, row.run.id, call.args[1]));
    std::erase_if(found, [&](const model::Artifact& a) { return !filter.takes(a); });
    if (found.empty())
      return fail(Code::not_found, "run {} has no artifact \"{}\"", call.args[0], call.args[1]);
    // Several attempts may have left a file of this name: the newest counts.
    return std::move(found.back());
  });
}

}  // namespace

Async list_artifacts(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(row, find_run(session, call.args[0]));
    BATON_TRY(filter, filter_of(call));
    BATON_TRY(limit, page_limit(call));
    // The order is fixed and nothing is removed from a run: a position is a stable cursor.
    BATON_TRY(cursor, integer_cursor(call));
    BATON_TRY(found, store::list_artifacts(session, row.run.id));
    std::erase_if(found, [&](const model::Artifact& a) { return !filter.takes(a); });
    Page page(context, call);
    const auto size = static_cast<std::int64_t>(found.size());
    const std::int64_t from = std::clamp<std::int64_t>(cursor.value_or(0), 0, size);
    const std::int64_t end = std::min(size, from + limit);
    for (std::int64_t i = from; i < end; ++i)
      wire::write_artifact(page.items(), found[static_cast<std::size_t>(i)]);
    std::optional<std::string> next;
    if (end < size) next = wire::encode_cursor(end);
    return page.finish(next);
  });
}

Async get_artifact(Context& context, Call& call) {
  auto artifact = find_artifact(context, call);
  if (!artifact) co_return tl::unexpected(artifact.error());
  auto answer = co_await send_artifact(context, call, *std::move(artifact));
  co_return answer;
}

}  // namespace baton::api
