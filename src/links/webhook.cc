// SPDX-License-Identifier: MIT
#include "links/webhook.h"

#include <boost/json.hpp>

#include "base/text.h"
#include "links/peer.h"
#include "links/standard_webhooks.h"
#include "wire/gate_json.h"
#include "wire/json_writer.h"

namespace baton::links {
namespace {

using model::ErrorClass;
using model::GateVerdict;

// The address of the server as links within the gate have it: "" when there is none for outsiders.
std::string link_base(const Message& message) {
  const std::string below = "/api/v1/gates/" + message.gate.id;
  const std::string& url = message.urls.gate;
  return url.ends_with(below) ? url.substr(0, url.size() - below.size()) : std::string{};
}

TimePoint decided_at(const Message& message) {
  return message.gate.decided_at.value_or(message.gate.created_at);
}

std::string_view event_outcome(GateVerdict verdict) {
  switch (verdict) {
    case GateVerdict::passed: return "success";
    case GateVerdict::failed: return "failure";
    case GateVerdict::cancelled: return "cancel";
    case GateVerdict::none:
    case GateVerdict::errored:
    case GateVerdict::timed_out: break;
  }
  return "error";
}

constexpr std::string_view kEventType = "dev.cdevents.testsuiterun.finished.0.3.0";

/// A CDEvent within a CloudEvent in structured mode; the gate is its custom data.
std::string cloud_event(const Message& message) {
  const std::string base = link_base(message);
  const std::string source = base.empty() ? "/baton" : base;
  const model::Gate& gate = message.gate;
  const std::string& environment = gate.request.environment;
  wire::JsonWriter out;
  out.begin_object()
      .field("specversion", "1.0")
      .field("id", message.delivery.id)
      .field("source", source)
      .field("type", kEventType)
      .field("subject", gate.id)
      .field("time", decided_at(message))
      .field("datacontenttype", "application/json")
      .key("data")
      .begin_object();
  out.key("context")
      .begin_object()
      .field("specversion", "0.6.0-draft")
      .field("id", message.delivery.id)
      .field("source", source)
      .field("type", kEventType)
      .field("timestamp", decided_at(message))
      .end_object();
  out.key("subject").begin_object().field("id", gate.id).field("source", source).key("content");
  out.begin_object()
      .field("outcome", event_outcome(gate.verdict))
      .field_if("reason", gate.reason)
      .key("environment")
      .begin_object()
      .field("id", environment.empty() ? "default" : environment)
      .end_object()
      .end_object()
      .end_object();
  out.field("customDataContentType", "application/json")
      .key("customData")
      .raw(wire::to_json(gate, {}, base));
  out.end_object().end_object();
  return out.take();
}

std::string plain_body(const Message& message) {
  wire::JsonWriter out;
  out.begin_object()
      .field("type", "gate.decided")
      .field("timestamp", decided_at(message))
      .key("data")
      .raw(wire::to_json(message.gate, {}, link_base(message)))
      .end_object();
  return out.take();
}

Outcome deliver(const Message& message, const model::LinkProfile& profile, Http& http) {
  net::HttpRequest request = call("POST", profile.url, "");
  set_json(request, profile.cloudevents ? cloud_event(message) : plain_body(message));
  if (profile.cloudevents) request.headers.set("Content-Type", "application/cloudevents+json");
  if (!profile.token.empty()) request.headers.set("Authorization", "Bearer " + profile.token.value);
  sign_webhook(request.headers, profile.secrets, message.delivery.id, message.now, request.body);
  const auto answer = http.send(std::move(request));
  Outcome outcome = outcome_of(answer, message.now);
  // An overloaded receiver, by the specification, also where it is a proxy that says so.
  if (outcome.status == 502 || outcome.status == 504) outcome.error_class = ErrorClass::throttled;
  return outcome;
}

Deliver find(std::string_view op) { return op.empty() ? deliver : nullptr; }

Result<void> check(const model::Target& target) {
  return wire::read_json(target.fields, [](wire::JsonFields&) {});
}

/// `data`, or the whole body without what frames it.
Result<std::string> gate_fields(std::string_view body) {
  BATON_TRY(value, wire::parse_json(body));
  if (!value.is_object()) return fail(Code::invalid, "the body must be a JSON object");
  boost::json::object object = std::move(value.get_object());
  if (const boost::json::value* data = object.if_contains("data")) {
    if (!data->is_object()) return fail(Code::invalid, "data must be a JSON object");
    return boost::json::serialize(*data);
  }
  object.erase("type");
  object.erase("timestamp");
  return boost::json::serialize(object);
}

Result<Inbound> read(const InboundCall& call) {
  const std::string& body = call.request.body;
  BATON_TRY(id, verify_webhook(call.request.headers, call.profile.secrets, call.now, body));
  BATON_TRY(fields, gate_fields(body));
  OpenGate opening;
  BATON_TRY(request, wire::parse_inbound_request(fields, call.profile.defaults));
  opening.request = std::move(request);
  opening.ident = id;
  if (!call.profile.url.empty())
    opening.request.deliver.push_back({.link = call.profile.id(), .op = {}});
  return opening;
}

}  // namespace

const Adapter kWebhook{.kind = model::LinkKind::webhook,
                       .find = find,
                       .check = check,
                       .read = read,
                       .is_signed = true};

}  // namespace baton::links
