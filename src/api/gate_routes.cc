// SPDX-License-Identifier: MIT
// Gates: open, list, look at (and wait for the verdict), decide, cancel.
#include "api/audit.h"
#include "api/gate_answer.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "api/submit.h"
#include "engine/delivery_ops.h"
#include "engine/gate_ops.h"
#include "links/profiles.h"
#include "store/delivery_table.h"
#include "store/gate_table.h"
#include "wire/error_map.h"
#include "wire/gate_json.h"

namespace baton::api {
namespace {

using model::GateState;

Result<store::GateFilter> gate_filter(const Call& call) {
  store::GateFilter filter;
  filter.key = call.query("key");
  filter.link = call.query("link");
  if (const std::string_view state = call.query("state"); !state.empty()) {
    BATON_TRY(parsed, model::parse_gate_state(state));
    filter.state = parsed;
  }
  BATON_TRY(labels, label_queries(call));
  filter.labels = std::move(labels);
  return filter;
}

}  // namespace

Async open_gate(Context& context, Call& call) {
  auto request = wire::parse_gate_request(call.request.body);
  if (!request) co_return tl::unexpected(request.error());
  const auto ready = links::prepare_request(context.settings.links, context.secret_box, *request);
  if (!ready) co_return tl::unexpected(ready.error());
  Post post{.scope = "gates"};
  PostOperation operation = [&context, request = *std::move(request), by = call.who.actor](
                                engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(opened, engine::open_gate(c, context.rules, request, {by, "", "", ""}));
    return store::StoredAnswer{
        201, "/api/v1/gates/" + opened.gate.id,
        wire::to_json(opened.gate, opened.deliveries, context.settings.public_url)};
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  co_return answer;
}

Async list_gates(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(filter, gate_filter(call));
    BATON_TRY(limit, page_limit(call));
    BATON_TRY(cursor, integer_cursor(call));
    BATON_TRY(found, store::list_gates(session, filter, cursor.value_or(0), limit + 1));
    const auto next = cut_page(found, limit, &model::Gate::seq);
    Page page(context, call);
    for (const model::Gate& gate : found) {
      BATON_TRY(deliveries, store::deliveries_of(session, gate.id));
      wire::write_gate(page.items(), gate, deliveries);
    }
    return page.finish(next);
  });
}

Async get_gate(Context& context, Call& call) {
  auto limit = wait_of(call);
  if (!limit) co_return tl::unexpected(limit.error());
  auto gate = co_await gate_after_wait(context, call, call.args[0], *limit);
  if (!gate) co_return tl::unexpected(gate.error());
  auto json = read_gate_json(context, *gate);
  if (!json) co_return tl::unexpected(json.error());
  co_return json_reply(200, *std::move(json));
}

Async decide_gate(Context& context, Call& call) {
  auto request = wire::parse_verdict_request(call.request.body);
  if (!request) co_return tl::unexpected(request.error());
  Post post{.scope = "verdict:" + call.args[0]};
  // A refused verdict leaves an event, so the operation succeeds and the answer tells.
  PostOperation operation = [&context, id = call.args[0],
                             request = *std::move(request), path = call.request.path,
                             request_id = call.request.request_id](
                                engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(decided, engine::decide_gate(c, context.rules, id,
                                           {request.verdict, model::VerdictSource::report,
                                            request.reason, request.url, request.artifacts}));
    if (!decided.accepted)
      return store::StoredAnswer{409, {},
                                 wire::to_problem_json(decided_otherwise(decided.gate),
                                                       {path, request_id, 409})};
    BATON_TRY(deliveries, store::deliveries_of(c.tx.sql(), decided.gate.id));
    return store::StoredAnswer{
        200, {}, wire::to_json(decided.gate, deliveries, context.settings.public_url)};
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  if (answer && answer->status == 409)
    answer->headers.set("Content-Type", "application/problem+json");
  co_return answer;
}

Async cancel_gate(Context& context, Call& call) {
  auto reason = wire::parse_gate_cancel(call.request.body);
  if (!reason) co_return tl::unexpected(reason.error());
  Post post{.scope = "gate.cancel:" + call.args[0]};
  PostOperation operation = [&context, id = call.args[0], reason = *std::move(reason),
                             actor = actor_of(call)](
                                engine::Context& c) -> Result<store::StoredAnswer> {
    const std::string why =
        reason.empty() ? fmt::format("cancelled by {}", actor.name) : reason;
    BATON_TRY(gate, engine::cancel_gate(c, context.rules, id, why));
    BATON_TRY_VOID(audit(c, actor, "gate.cancel", store::gate_subject(id)));
    BATON_TRY(deliveries, store::deliveries_of(c.tx.sql(), gate.id));
    return store::StoredAnswer{
        200, {}, wire::to_json(gate, deliveries, context.settings.public_url)};
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  co_return answer;
}

Async list_deliveries(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    store::DeliveryFilter filter;
    filter.gate = call.query("gate");
    filter.link = call.query("link");
    if (const std::string_view state = call.query("state"); !state.empty()) {
      BATON_TRY(parsed, model::parse_delivery_state(state));
      filter.state = parsed;
    }
    BATON_TRY(limit, page_limit(call));
    BATON_TRY(cursor, integer_cursor(call));
    BATON_TRY(found, store::list_deliveries(session, filter, cursor.value_or(0), limit + 1));
    const auto next = cut_page(found, limit, &model::Delivery::seq);
    Page page(context, call);
    for (const model::Delivery& delivery : found) wire::write_delivery(page.items(), delivery);
    return page.finish(next);
  });
}

Async get_delivery(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(found, store::find_delivery(session, call.args[0]));
    if (!found)
      return fail_with_fix(Code::not_found, "GET /api/v1/deliveries lists them",
                           "the delivery {} is unknown", call.args[0]);
    wire::JsonWriter out;
    wire::write_delivery(out, *found);
    return json_reply(200, out.take());
  });
}

Async redrive_delivery(Context& context, Call& call) {
  Post post{.scope = "redrive:" + call.args[0]};
  PostOperation operation = [id = call.args[0], actor = actor_of(call)](
                                engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(delivery, engine::redrive_delivery(c, id));
    BATON_TRY_VOID(audit(c, actor, "delivery.redrive", store::delivery_subject(id)));
    wire::JsonWriter out;
    wire::write_delivery(out, delivery);
    return store::StoredAnswer{200, {}, out.take()};
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  co_return answer;
}

}  // namespace baton::api
