// SPDX-License-Identifier: MIT
#include "links/cloudevents.h"

#include <boost/json.hpp>

#include <array>

#include "base/text.h"
#include "links/loose_fields.h"
#include "links/peer.h"
#include "links/signature.h"
#include "net/url.h"
#include "wire/gate_json.h"

namespace baton::links::cloudevents {
namespace {

namespace json = boost::json;
using model::GateVerdict;

constexpr std::array<const char*, 8> kGateFields{"name",       "key",         "subject", "timeout",
                                                 "on_timeout", "environment", "labels",  "tag"};

// One operation opens all of their gates.
constexpr std::size_t kBatchMax = 500;

struct Event {
  std::string id;
  std::string source;
  std::string type;
  std::string subject;
  json::object data;
};

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

Result<void> check(const Event& event, std::string_view version) {
  if (version != "1.0") return fail(Code::invalid, "specversion must be 1.0");
  if (event.id.empty() || event.source.empty() || event.type.empty())
    return fail(Code::invalid, "a CloudEvent has an id, a source and a type");
  return {};
}

/// Values of headers are percent-encoded where they must be.
std::string header(const net::Headers& headers, std::string_view name) {
  const std::string_view value = headers.get(name);
  return net::percent_decode(value).value_or(std::string{value});
}

Result<Event> read_binary(const net::Request& request) {
  Event event;
  event.id = header(request.headers, "ce-id");
  event.source = header(request.headers, "ce-source");
  event.type = header(request.headers, "ce-type");
  event.subject = header(request.headers, "ce-subject");
  BATON_TRY_VOID(check(event, header(request.headers, "ce-specversion")));
  BATON_TRY(data, object_of_body(request.body));
  event.data = std::move(data);
  return event;
}

/// Data may also be JSON within a text, or that in base64.
Result<json::object> data_of(const json::object& envelope) {
  if (const json::value* data = envelope.if_contains("data")) {
    if (data->is_object()) return data->get_object();
    if (data->is_string()) return object_of_body(view(data->get_string()));
    if (!data->is_null()) return fail(Code::invalid, "data must be a JSON object");
  }
  const std::string encoded = Json(envelope).text("data_base64");
  const auto bytes = from_base64(encoded);
  if (!bytes) return fail(Code::invalid, "data_base64 is not base64");
  return object_of_body(*bytes);
}

Result<Event> event_of(const json::object& envelope) {
  const Json attributes(envelope);
  Event event;
  event.id = attributes.text("id");
  event.source = attributes.text("source");
  event.type = attributes.text("type");
  event.subject = attributes.text("subject");
  BATON_TRY_VOID(check(event, attributes.text("specversion")));
  BATON_TRY(data, data_of(envelope));
  event.data = std::move(data);
  return event;
}

std::string content_type(const net::Request& request) {
  const std::string_view header = request.headers.get("Content-Type");
  return to_lower(trim(header.substr(0, header.find(';'))));
}

Result<Event> read_event(const net::Request& request) {
  const std::string type = content_type(request);
  if (type == "application/cloudevents+json") {
    BATON_TRY(envelope, object_of_body(request.body));
    return event_of(envelope);
  }
  if (type.starts_with("application/cloudevents"))
    return fail_with_fix(Code::unprocessable,
                         "send application/cloudevents+json or application/cloudevents-batch+json",
                         "{} is not taken here", type);
  if (request.headers.find("ce-id") != nullptr || request.headers.find("ce-type") != nullptr)
    return read_binary(request);
  return fail_with_fix(Code::invalid, "send ce- headers, or application/cloudevents+json",
                       "this is no CloudEvent");
}

bool is_of_test(std::string_view type) {
  return type.starts_with("dev.cdevents.testcaserun.") ||
         type.starts_with("dev.cdevents.testsuiterun.");
}

bool is_finished_test(std::string_view type) {
  return is_of_test(type) && type.find(".finished.") != std::string_view::npos;
}

/// The words of CDEvents until 0.4, and since 0.5.
GateVerdict verdict_of(std::string_view outcome) {
  if (outcome == "success" || outcome == "pass") return GateVerdict::passed;
  if (outcome == "failure" || outcome == "fail") return GateVerdict::failed;
  if (outcome == "cancel") return GateVerdict::cancelled;
  if (outcome == "error") return GateVerdict::errored;
  return GateVerdict::none;
}

std::string ident_of(const Event& event) { return fmt::format("{} {}", event.source, event.id); }

Result<Batch::Part> bring(const Event& event) {
  const Json subject = Json(event.data).object("subject");
  const Json content = subject.object("content");
  BringVerdict brought;
  brought.gate = subject.text("id");
  if (brought.gate.empty()) brought.gate = event.subject;
  if (brought.gate.empty()) return fail(Code::invalid, "subject.id is needed: the gate");
  brought.verdict = verdict_of(to_lower(content.text("outcome")));
  if (brought.verdict == GateVerdict::none)
    return fail(Code::invalid, "subject.content.outcome must be success, failure, cancel or error");
  brought.ident = ident_of(event);
  brought.reason = cut_text(content.text("reason"), model::kGateReasonMax);
  const std::string url = content.text("uri");
  if (url.starts_with("http://") || url.starts_with("https://")) brought.url = url;
  return brought;
}

/// In a CDEvent `subject` is what happened to something; its custom data is the sender's.
json::object gate_fields(const Event& event) {
  json::object fields =
      event.data.contains("context") ? Json(event.data).object("customData").raw() : event.data;
  for (const char* name : kGateFields)
    if (fields.contains(name)) return fields;
  return {};
}

Result<Batch::Part> part_of(const Event& event, const model::LinkProfile& profile) {
  if (is_finished_test(event.type)) return bring(event);
  const json::object fields = gate_fields(event);
  // A profile that says what to ask about takes events as they are, but for news of other tests.
  if (fields.empty() && (is_of_test(event.type) || !Json(profile.defaults).has("subject")))
    return Ignored{fmt::format("{} has no fields of a gate", cut_text(event.type, 200))};
  OpenGate opening;
  BATON_TRY(request, wire::parse_inbound_request(json::serialize(fields), profile.defaults));
  opening.request = std::move(request);
  opening.ident = ident_of(event);
  return opening;
}

Result<Batch::Part> read_part(const json::value& value, const model::LinkProfile& profile) {
  if (!value.is_object()) return fail(Code::invalid, "a CloudEvent is a JSON object");
  BATON_TRY(event, event_of(value.get_object()));
  return part_of(event, profile);
}

Result<Inbound> read_batch(const InboundCall& call) {
  BATON_TRY(value, wire::parse_json(call.request.body));
  if (!value.is_array()) return fail(Code::invalid, "a batch is a JSON array of CloudEvents");
  const json::array& events = value.get_array();
  if (events.size() > kBatchMax)
    return fail_with_fix(Code::too_large, fmt::format("send at most {} events a call", kBatchMax),
                         "the batch has {} events", events.size());
  Batch batch;
  for (const json::value& each : events) {
    auto part = read_part(each, call.profile);
    if (!part) {
      Error error = std::move(part).error();
      error.message = fmt::format("event {}: {}", batch.parts.size() + 1, error.message);
      return tl::unexpected(std::move(error));
    }
    batch.parts.push_back(*std::move(part));
  }
  return batch;
}

}  // namespace

Result<Inbound> read(const InboundCall& call) {
  if (content_type(call.request) == "application/cloudevents-batch+json") return read_batch(call);
  BATON_TRY(event, read_event(call.request));
  BATON_TRY(part, part_of(event, call.profile));
  return std::visit([](auto&& one) -> Inbound { return std::forward<decltype(one)>(one); },
                    std::move(part));
}

std::optional<net::Headers> handshake(const net::RequestHead& request) {
  const std::string_view origin = request.headers.get("WebHook-Request-Origin");
  if (request.method != "OPTIONS" || origin.empty()) return {};
  const std::string_view rate = request.headers.get("WebHook-Request-Rate");
  net::Headers headers;
  headers.add("Allow", "POST, OPTIONS");
  headers.add("WebHook-Allowed-Origin", std::string{origin});
  headers.add("WebHook-Allowed-Rate", rate.empty() ? "*" : std::string{rate});
  return headers;
}

}  // namespace baton::links::cloudevents
