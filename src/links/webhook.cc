// SPDX-License-Identifier: MIT
#include "links/webhook.h"

#include <boost/json.hpp>

#include "base/text.h"
#include "links/peer.h"
#include "links/standard_webhooks.h"
#include "wire/gate_json.h"
#include "wire/json_writer.h"

namespace baton::links::webhook {
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

std::string event_source(const Message& message) {
  const std::string base = link_base(message);
  return base.empty() ? "/baton" : base;
}

/// The data of the CloudEvent: a CDEvent; the gate is its custom data.
std::string event_data(const Message& message) {
  const model::Gate& gate = message.gate;
  const std::string source = event_source(message);
  const std::string& environment = gate.request.environment;
  wire::JsonWriter out;
  out.begin_object()
      .key("context")
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
      .field("source", source)
      .end_object()
      .end_object()
      .end_object();
  out.field("customDataContentType", "application/json")
      .key("customData")
      .raw(wire::to_json(gate, {}, link_base(message)))
      .end_object();
  return out.take();
}

/// In structured mode the envelope is the body.
std::string structured_event(const Message& message) {
  wire::JsonWriter out;
  out.begin_object()
      .field("specversion", "1.0")
      .field("id", message.delivery.id)
      .field("source", event_source(message))
      .field("type", kEventType)
      .field("subject", message.gate.id)
      .field("time", decided_at(message))
      .field("datacontenttype", "application/json")
      .key("data")
      .raw(event_data(message))
      .end_object();
  return out.take();
}

/// Of the HTTP binding, section 3.1.3.2: what is not printable, the space, the quote and the
/// percent sign. A slash stays.
std::string header_value(std::string_view text) {
  std::string value;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = byte > 0x20 && byte < 0x7f && c != '"' && c != '%';
    value += is_plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return value;
}

/// In binary mode the envelope is in headers, and the body is the data.
void set_binary_event(net::HttpRequest& request, const Message& message) {
  request.headers.set("ce-specversion", "1.0");
  request.headers.set("ce-id", header_value(message.delivery.id));
  request.headers.set("ce-source", header_value(event_source(message)));
  request.headers.set("ce-type", header_value(kEventType));
  request.headers.set("ce-subject", header_value(message.gate.id));
  request.headers.set("ce-time", format_rfc3339(decided_at(message)));
  set_json(request, event_data(message));
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
  if (profile.binary) {
    set_binary_event(request, message);
  } else if (profile.cloudevents) {
    set_json(request, structured_event(message));
    request.headers.set("Content-Type", "application/cloudevents+json");
  } else {
    set_json(request, plain_body(message));
  }
  if (!profile.token.empty()) request.headers.set("Authorization", "Bearer " + profile.token.value);
  sign_webhook(request.headers, profile.secrets, message.delivery.id, message.now, request.body);
  const auto answer = http.send(std::move(request));
  Outcome outcome = outcome_of(answer, message.now);
  // An overloaded receiver, by the specification, also where it is a proxy that says so.
  if (outcome.status == 502 || outcome.status == 504) outcome.error_class = ErrorClass::throttled;
  return outcome;
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

}  // namespace

Deliver find(std::string_view op) { return op.empty() ? deliver : nullptr; }

Result<void> check(const model::Target& target) {
  return wire::read_json(target.fields, [](wire::JsonFields&) {});
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

}  // namespace baton::links::webhook
