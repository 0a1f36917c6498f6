// SPDX-License-Identifier: MIT
// Calls of outside systems: POST /in/KIND/PROFILE. What a call means is links/'s business; here it
// is done. The same call again finds the same gate.
#include "api/audit.h"
#include "api/gate_answer.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "api/report_import.h"
#include "api/submit.h"
#include "base/assert.h"
#include "engine/gate_ops.h"
#include "engine/run_ops.h"
#include "links/cloudevents.h"
#include "links/inbound.h"
#include "links/profiles.h"
#include "model/sealed.h"
#include "store/delivery_table.h"
#include "store/gate_table.h"
#include "store/idempotency_table.h"
#include "wire/gate_json.h"

namespace baton::api {
namespace {

using model::Gate;
using model::GateState;
using model::GateVerdict;

constexpr std::string_view kPrefix = "/api/v1/in/";

std::string_view kind_in(std::string_view pattern) {
  BATON_ASSERT(pattern.starts_with(kPrefix), "a route of outside systems");
  pattern.remove_prefix(kPrefix.size());
  return pattern.substr(0, pattern.find('/'));
}

std::string ignored_json(std::string_view reason) {
  wire::JsonWriter out;
  out.begin_object().field("ignored", reason).end_object();
  return out.take();
}

net::Response ignored(std::string_view reason) { return json_reply(202, ignored_json(reason)); }

// Flagger goes on with every status up to 202, and stops for any other; the text becomes an event.
net::Response flagger_reply(const Gate& gate, bool is_rollback) {
  const bool pending = gate.state == GateState::pending;
  const bool passed = gate.verdict == GateVerdict::passed;
  // A gate that was superseded or cancelled is no reason to roll back.
  const bool go = is_rollback ? gate.state == GateState::decided && !passed : passed;
  std::string text = pending ? fmt::format("gate {} is pending", gate.id)
                             : fmt::format("gate {} {}", gate.id,
                                           gate.verdict == GateVerdict::none
                                               ? name_of(gate.state)
                                               : name_of(gate.verdict));
  if (!gate.reason.empty()) text += ": " + gate.reason;
  wire::JsonWriter out;
  out.begin_object().field("id", gate.id).field("message", text).end_object();
  return json_reply(pending ? 409 : go ? 200 : 424, out.take());
}

// Argo takes every other status than 2xx for an error of the metric.
net::Response argo_reply(const Gate& gate) {
  const std::string_view status = gate.state == GateState::pending        ? "pending"
                                  : gate.verdict == GateVerdict::passed ? "passed"
                                                                          : "failed";
  wire::JsonWriter out;
  out.begin_object().field("status", status).field("id", gate.id).field("reason", gate.reason);
  return json_reply(200, out.end_object().take());
}

Answer answer_as(Context& context, const Gate& gate, links::AnswerForm form, bool is_new) {
  switch (form) {
    case links::AnswerForm::flagger:
      return flagger_reply(gate, false);
    case links::AnswerForm::rollback:
      return flagger_reply(gate, true);
    case links::AnswerForm::argo:
      return argo_reply(gate);
    case links::AnswerForm::gate:
      break;
  }
  BATON_TRY(json, read_gate_json(context, gate));
  net::Response response = json_reply(is_new ? 201 : 200, std::move(json));
  if (is_new) response.headers.set("Location", "/api/v1/gates/" + gate.id);
  return response;
}

PostOperation answer_of_opening(Context& context, engine::Operation<engine::Opened> open) {
  return [&context, open = std::move(open)](
             engine::Context& c) mutable -> Result<store::StoredAnswer> {
    BATON_TRY(opened, open(c));
    return store::StoredAnswer{
        opened.is_new ? 201 : 200, opened.is_new ? "/api/v1/gates/" + opened.gate.id : "",
        wire::to_json(opened.gate, opened.deliveries, context.settings.public_url)};
  };
}

Async open_for(Context& context, Call& call, const model::LinkProfile& profile,
               links::OpenGate open) {
  auto limit = wait_of(call);
  if (!limit) co_return tl::unexpected(limit.error());
  const auto ready =
      links::prepare_request(context.settings.links, context.secret_box, open.request);
  if (!ready) co_return tl::unexpected(ready.error());
  engine::Opening opening{profile.id(), profile.id(), open.ident, ""};
  opening.answer_again = open.answer_again;
  if (!open.secrets.empty()) opening.secret = context.secret_box.seal(open.secrets);
  engine::Operation<engine::Opened> operation =
      [&context, request = std::move(open.request),
       opening = std::move(opening)](engine::Context& c) {
        return engine::open_gate(c, context.rules, request, opening);
      };
  // Who waits, or polls, asks for the state of the gate: no stored answer tells that.
  if (open.form == links::AnswerForm::gate && *limit == Duration{0}) {
    Post post{.scope = "in " + profile.id()};
    PostOperation answering = answer_of_opening(context, std::move(operation));
    auto answer = co_await submit_post(context, call, std::move(post), std::move(answering));
    co_return answer;
  }
  auto opened = co_await submit<engine::Opened>(context, std::move(operation));
  if (!opened) co_return tl::unexpected(opened.error());
  Result<Gate> gate = std::move(opened->gate);
  if (*limit > Duration{0}) gate = co_await gate_after_wait(context, call, gate->id, *limit);
  if (!gate) co_return tl::unexpected(gate.error());
  co_return answer_as(context, *gate, open.form, opened->is_new);
}

struct Brought {
  std::string done;  // {"id":"gat_1","decided":["gat_1","gat_2"]}; "" when nobody took it
  std::optional<Gate> refused;  // the one that was meant by its id has ended otherwise
};

std::string done_of(const std::vector<std::string>& ids) {
  if (ids.empty()) return {};
  wire::JsonWriter out;
  out.begin_object().field("id", ids.front()).key("decided").begin_array();
  for (const std::string& id : ids) out.value(id);
  return out.end_array().end_object().take();
}

Result<Brought> bring_to(Context& context, engine::Context& c,
                         const links::BringVerdict& brought) {
  std::vector<Gate> gates;
  BATON_TRY(found, store::find_gate(c.tx.sql(), brought.gate));
  if (found) gates.push_back(*std::move(found));
  if (gates.empty()) {
    BATON_TRY(named, store::pending_named(c.tx.sql(), brought.gate));
    gates = std::move(named);
  }
  Brought done;
  std::vector<std::string> ids;
  for (const Gate& gate : gates) {
    BATON_TRY(
        decided,
        engine::decide_gate(
            c, context.rules, gate.id,
            {brought.verdict, model::VerdictSource::report, brought.reason, brought.url, {}}));
    if (decided.accepted)
      ids.push_back(gate.id);
    else
      done.refused = std::move(decided.gate);
  }
  done.done = done_of(ids);
  return done;
}

// What it did the first time is what it did: its name may stand for another gate by now.
Result<Brought> bring_once(Context& context, engine::Context& c, const std::string& link,
                           const links::BringVerdict& brought) {
  const std::string scope = "event of " + link;
  const std::string key = sha256_hex(brought.ident);
  BATON_TRY(known, store::find_answer(c.tx.sql(), scope, key, c.now.wall));
  if (known) return Brought{std::move(known->answer.body), {}};
  BATON_TRY(done, bring_to(context, c, brought));
  if (done.done.empty() || done.refused) return done;
  const store::IdempotencyRow row{{}, {200, {}, done.done}};
  BATON_TRY_VOID(store::put_answer(c.tx, scope, key, row, c.now.wall + kKeepLegacyAnswers));
  return done;
}

std::string nobody_called(const std::string& gate) {
  return fmt::format("no open gate is called {}", gate);
}

Async bring_verdict(Context& context, const model::LinkProfile& profile,
                    links::BringVerdict brought) {
  engine::Operation<Brought> operation = [&context, brought,
                                          link = profile.id()](engine::Context& c) {
    return bring_once(context, c, link, brought);
  };
  auto done = co_await submit<Brought>(context, std::move(operation));
  if (!done) co_return tl::unexpected(done.error());
  if (done->refused) co_return tl::unexpected(decided_otherwise(*done->refused));
  if (done->done.empty()) co_return ignored(nobody_called(brought.gate));
  co_return json_reply(200, std::move(done->done));
}

// What a part of a batch did, as JSON.
Result<std::string> apply_part(Context& context, engine::Context& c, const std::string& link,
                               const links::Batch::Part& part) {
  if (const auto* brought = std::get_if<links::BringVerdict>(&part)) {
    BATON_TRY(done, bring_once(context, c, link, *brought));
    if (done.refused) return ignored_json(decided_otherwise(*done.refused).message);
    return done.done.empty() ? ignored_json(nobody_called(brought->gate)) : std::move(done.done);
  }
  if (const auto* none = std::get_if<links::Ignored>(&part)) return ignored_json(none->reason);
  const auto& open = std::get<links::OpenGate>(part);
  BATON_TRY(opened,
            engine::open_gate(c, context.rules, open.request, {link, link, open.ident, ""}));
  wire::JsonWriter out;
  out.begin_object().field("id", opened.gate.id).field("state", name_of(opened.gate.state));
  return out.end_object().take();
}

// One operation, so that an event that cannot be applied leaves nothing of the others.
Async apply_batch(Context& context, Call& call, const model::LinkProfile& profile,
                  links::Batch batch) {
  if (call.request.parameter("wait") != nullptr)
    co_return fail(Code::invalid, "a batch is not waited for; ask for its gates one by one");
  const auto in_event = [](std::size_t index, Error error) {
    error.message = fmt::format("event {}: {}", index + 1, error.message);
    return error;
  };
  for (std::size_t i = 0; i < batch.parts.size(); ++i) {
    auto* open = std::get_if<links::OpenGate>(&batch.parts[i]);
    if (open == nullptr) continue;
    const auto ready =
        links::prepare_request(context.settings.links, context.secret_box, open->request);
    if (!ready) co_return tl::unexpected(in_event(i, ready.error()));
  }
  engine::Operation<std::string> operation =
      [&context, in_event, link = profile.id(),
       batch = std::move(batch)](engine::Context& c) -> Result<std::string> {
    std::string done;
    for (std::size_t i = 0; i < batch.parts.size(); ++i) {
      auto part = apply_part(context, c, link, batch.parts[i]);
      if (!part) return tl::unexpected(in_event(i, part.error()));
      done += (i == 0 ? "" : ",") + *part;
    }
    return R"({"events":[)" + done + "]}";
  };
  auto done = co_await submit<std::string>(context, std::move(operation));
  if (!done) co_return tl::unexpected(done.error());
  co_return json_reply(200, *std::move(done));
}

// The same question again: the subject of the gate, told to the same peers.
Result<model::GateRequest> same_again(store::Session& session, const std::string& id) {
  std::string gate_id = id;
  if (id.starts_with("del_")) {
    BATON_TRY(delivery, store::find_delivery(session, id));
    if (delivery) gate_id = delivery->gate;
  }
  BATON_TRY(gate, engine::get_gate(session, gate_id));
  model::GateRequest request = gate.request;
  if (request.subject.kind == model::SubjectKind::run) {
    BATON_TRY(row, engine::get_run(session, request.subject.run));
    request.subject.kind = model::SubjectKind::suite;
    request.subject.suite = row.run.request;
    request.subject.suite.rerun_of = row.run.id;
    request.subject.suite.triggered_by.clear();
  }
  request.subject.run = RunId{};
  BATON_TRY(deliveries, store::deliveries_of(session, gate.id));
  for (const model::Delivery& delivery : deliveries) {
    if (model::has_hidden(delivery.target.fields))
      return fail_with_fix(Code::conflict, "open a new gate, with the secrets",
                           "the gate {} cannot be asked again: a secret for {} was dropped",
                           gate.id, delivery.target.link);
    request.deliver.push_back(delivery.target);
  }
  return request;
}

Async ask_again(Context& context, const model::LinkProfile& profile,
                links::AskAgain again) {
  engine::Operation<engine::Opened> operation =
      [&context, again, link = profile.id()](engine::Context& c) -> Result<engine::Opened> {
    BATON_TRY(request, same_again(c.tx.sql(), again.gate));
    return engine::open_gate(c, context.rules, std::move(request), {link, link, again.ident, ""});
  };
  auto opened = co_await submit<engine::Opened>(context, std::move(operation));
  if (!opened && opened.error().code == Code::not_found)
    co_return ignored("what is to be run again is not known here");
  if (!opened) co_return tl::unexpected(opened.error());
  co_return answer_as(context, opened->gate, links::AnswerForm::gate, opened->is_new);
}

Async cancel_for(Context& context, const model::LinkProfile& profile, links::CancelGate cancel) {
  engine::Operation<std::optional<Gate>> operation =
      [&context, cancel,
       link = profile.id()](engine::Context& c) -> Result<std::optional<Gate>> {
    BATON_TRY(gate, store::gate_of_call(c.tx.sql(), link, cancel.ident));
    if (!gate || gate->state != GateState::pending) return gate;
    BATON_TRY(ended, engine::cancel_gate(c, context.rules, gate->id, cancel.reason));
    return std::optional{std::move(ended)};
  };
  auto gate = co_await submit<std::optional<Gate>>(context, std::move(operation));
  if (!gate) co_return tl::unexpected(gate.error());
  if (!*gate) co_return ignored("there is no such gate");
  co_return answer_as(context, **gate, links::AnswerForm::gate, false);
}

Result<links::Inbound> read_call(Context& context, const Call& call,
                                 const model::LinkProfile& profile) {
  BATON_TRY(body, MappedBody::open(call.request));
  return links::read_inbound({call.request, profile, context.clock().wall, body.bytes()});
}

}  // namespace

Async call_inbound(Context& context, Call& call) {
  // The kind stands in the pattern, so that the route table says which of them needs a token.
  const std::string id = fmt::format("{}/{}", kind_in(call.route->pattern), call.args[0]);
  auto profile = links::get_profile(context.settings.links, id);
  if (!profile) co_return tl::unexpected(profile.error());
  auto inbound = read_call(context, call, **profile);
  if (!inbound) co_return tl::unexpected(inbound.error());
  if (auto* open = std::get_if<links::OpenGate>(&*inbound)) {
    auto answer = co_await open_for(context, call, **profile, std::move(*open));
    co_return answer;
  }
  if (auto* brought = std::get_if<links::BringVerdict>(&*inbound)) {
    auto answer = co_await bring_verdict(context, **profile, std::move(*brought));
    co_return answer;
  }
  if (auto* again = std::get_if<links::AskAgain>(&*inbound)) {
    auto answer = co_await ask_again(context, **profile, std::move(*again));
    co_return answer;
  }
  if (auto* cancel = std::get_if<links::CancelGate>(&*inbound)) {
    auto answer = co_await cancel_for(context, **profile, std::move(*cancel));
    co_return answer;
  }
  if (auto* batch = std::get_if<links::Batch>(&*inbound)) {
    auto answer = co_await apply_batch(context, call, **profile, std::move(*batch));
    co_return answer;
  }
  if (auto* look = std::get_if<links::LookAgain>(&*inbound)) {
    if (context.look_again) context.look_again(**profile, look->execution);
    co_return ignored("the execution is looked at now");
  }
  co_return ignored(std::get<links::Ignored>(*inbound).reason);
}

Async cloudevents_handshake(Context& context, Call& call) {
  auto profile = links::get_profile(context.settings.links, "cloudevents/" + call.args[0]);
  if (!profile) co_return tl::unexpected(profile.error());
  net::Response response = net::reply(200);
  if (auto headers = links::cloudevents::handshake(call.request)) response.headers = *headers;
  co_return response;
}

}  // namespace baton::api
