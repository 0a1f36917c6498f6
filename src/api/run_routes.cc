// SPDX-License-Identifier: MIT
// Runs: start, list, look at (and wait for a change), cancel, run again, delete.
#include "api/audit.h"
#include "api/handlers.h"
#include "api/lookup.h"
#include "api/reply.h"
#include "api/run_lease.h"
#include "api/submit.h"
#include "engine/run_ops.h"
#include "wire/page.h"
#include "wire/run_json.h"

namespace baton::api {
namespace {

// Of a run in a list; with long labels or messages the text just grows.
constexpr std::size_t kRunBytes = 1'024;

store::StoredAnswer run_created(const Context& context, const model::Run& run) {
  return {201, fmt::format("/api/v1/runs/{}", raw(run.id)),
          wire::to_json(run, context.settings.public_url)};
}

Result<store::RunQuery> run_query(const Call& call) {
  store::RunQuery query;
  query.suite = call.query("suite");
  query.reference = call.query("reference");
  query.environment = call.query("environment");
  query.schedule = call.query("schedule");
  query.text = call.query("q");
  if (const std::string_view state = call.query("state"); !state.empty()) {
    BATON_TRY(parsed, model::parse_run_state(state));
    query.state = parsed;
  }
  if (const std::string_view verdict = call.query("verdict"); !verdict.empty()) {
    BATON_TRY(parsed, model::parse_run_verdict(verdict));
    query.verdict = parsed;
  }
  BATON_TRY(labels, label_queries(call));
  query.labels = std::move(labels);
  BATON_TRY(limit, page_limit(call));
  BATON_TRY(cursor, integer_cursor(call));
  query.limit = limit;
  if (cursor) query.before = RunId{*cursor};
  return query;
}

}  // namespace

Async start_run(Context& context, Call& call) {
  auto request = wire::parse_run_request(call.request.body);
  if (!request) co_return tl::unexpected(request.error());
  if (request->triggered_by.empty()) request->triggered_by = call.who.actor;
  request->traceparent = call.request.headers.get("traceparent");
  Post post{.scope = "runs:" + request->suite};
  PostOperation operation = [&context, request = *std::move(request)](
                                engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(run, engine::start_run(c, context.rules, request));
    return run_created(context, run);
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  co_return answer;
}

Async list_runs(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(query, run_query(call));
    BATON_TRY(found, store::list_runs(session, query));
    Page page(context, call);
    page.items().reserve(found.runs.size() * kRunBytes);
    for (const store::RunRow& row : found.runs) wire::write_run(page.items(), row.run);
    std::optional<std::string> next;
    if (found.next_before) next = wire::encode_cursor(raw(*found.next_before));
    return page.finish(next);
  });
}

Async get_run(Context& context, Call& call) {
  auto limit = wait_of(call);
  if (!limit) co_return tl::unexpected(limit.error());
  const auto look = [&] {
    return read(context, [&](store::Session& session) { return find_run(session, call.args[0]); });
  };
  auto row = look();
  if (!row) co_return tl::unexpected(row.error());
  if (*limit > Duration{0} && row->run.state != model::RunState::finished) {
    const model::RunState before = row->run.state;
    const auto end = std::chrono::steady_clock::now() + *limit;
    Watch::Waiter waiter(context.watch, store::run_subject(row->run.id));
    // However the wait ended, the answer is what is there then.
    for (net::Wake wake = net::Wake::notified;;) {
      row = look();
      if (!row) co_return tl::unexpected(row.error());
      if (row->run.state != before || wake != net::Wake::notified) break;
      const auto left = std::chrono::ceil<Duration>(end - std::chrono::steady_clock::now());
      wake = co_await waiter.wait(left, call.request.caller);
    }
  }
  auto members = read(context, [&](store::Session& session) {
    return lease_members(session, row->run, context.clock().wall);
  });
  if (!members) co_return tl::unexpected(members.error());
  std::string json = wire::to_json(row->run, context.settings.public_url);
  json.insert(json.size() - 1, *members);
  co_return json_reply(200, std::move(json));
}

Async cancel_run(Context& context, Call& call) {
  auto reason = wire::parse_cancel_request(call.request.body);
  if (!reason) co_return tl::unexpected(reason.error());
  auto id = run_id_of(call.args[0]);
  if (!id) co_return tl::unexpected(id.error());
  Post post{.scope = "cancel:" + call.args[0]};
  PostOperation operation =
      [&context, id = *id, reason = *reason,
       actor = actor_of(call)](engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(run, engine::cancel_run(c, context.rules, id, reason));
    BATON_TRY_VOID(audit(c, actor, "run.cancel", store::run_subject(id)));
    return store::StoredAnswer{200, {}, wire::to_json(run, context.settings.public_url)};
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  co_return answer;
}

Async rerun_run(Context& context, Call& call) {
  auto request = wire::parse_rerun_request(call.request.body);
  if (!request) co_return tl::unexpected(request.error());
  auto id = run_id_of(call.args[0]);
  if (!id) co_return tl::unexpected(id.error());
  Post post{.scope = "rerun:" + call.args[0]};
  PostOperation operation =
      [&context, id = *id, failed_only = request->failed_only,
       actor = actor_of(call)](engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(run, engine::rerun(c, context.rules, id, failed_only, actor.name));
    return run_created(context, run);
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  co_return answer;
}

Async delete_run(Context& context, Call& call) {
  auto id = run_id_of(call.args[0]);
  if (!id) co_return tl::unexpected(id.error());
  engine::Operation<bool> operation = [id = *id,
                                       actor = actor_of(call)](engine::Context& c) -> Result<bool> {
    BATON_TRY_VOID(engine::delete_run(c, id));
    BATON_TRY_VOID(audit(c, actor, "run.delete", store::run_subject(id)));
    return true;
  };
  auto done = co_await submit<bool>(context, std::move(operation));
  if (!done) co_return tl::unexpected(done.error());
  co_return net::reply(204);
}

}  // namespace baton::api
