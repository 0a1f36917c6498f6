// SPDX-License-Identifier: MIT
#include "links/pollers.h"

#include <boost/json.hpp>

#include "base/text.h"
#include "links/loose_fields.h"
#include "links/peer.h"
#include "wire/gate_json.h"

namespace baton::links {
namespace {

namespace json = boost::json;

Result<model::GateRequest> request_of(const json::object& fields,
                                      const model::LinkProfile& profile) {
  return wire::parse_inbound_request(json::serialize(fields), profile.defaults);
}

}  // namespace

Result<Inbound> flagger::read(const InboundCall& call) {
  BATON_TRY(body, object_of_body(call.request.body));
  const Json hook(body);
  if (hook.has("metadata") && !body.at("metadata").is_object())
    return fail(Code::invalid, "metadata must be an object of texts");
  for (const char* name : {"name", "namespace", "checksum"})
    if (hook.has(name) && !body.at(name).is_string())
      return fail(Code::invalid, "{} must be a text", name);
  BATON_TRY(metadata, loosen(hook.object("metadata").raw()));
  if (metadata.contains("eventMessage") || metadata.contains("eventType"))
    return Ignored{"it is an event of Flagger, not a question"};
  const std::string name = hook.text("name");
  const std::string space = hook.text("namespace");
  const std::string checksum = hook.text("checksum");
  if (name.empty() || space.empty() || checksum.empty())
    return fail_with_fix(Code::invalid, "call this address from a webhook of a Flagger canary",
                         "name, namespace and checksum are needed");
  const bool is_rollback = Json(metadata).text("type") == "rollback";
  metadata.erase("type");
  OpenGate opening;
  BATON_TRY(request, request_of(metadata, call.profile));
  opening.request = std::move(request);
  // The same gate for the hook that asks whether to go on and the one that asks whether to go back.
  opening.ident = fmt::format("{}/{}/{}", space, name, checksum);
  if (opening.request.name.empty()) {
    opening.request.name = fmt::format("{}/{}", space, name);
  } else {
    opening.ident += "/" + opening.request.name;
  }
  opening.request.labels.emplace("canary", fmt::format("{}/{}", space, name));
  BATON_TRY_VOID(model::check_gate_request(opening.request));
  opening.form = is_rollback ? AnswerForm::rollback : AnswerForm::flagger;
  return opening;
}

Result<Inbound> argo::read(const InboundCall& call) {
  BATON_TRY(fields, fields_of_query(call.request.query));
  BATON_TRY(body, object_of_body(call.request.body));
  for (const auto& [name, value] : body) {
    if (fields.contains(name))
      return fail(Code::invalid, "{} is in the query and in the body",
                  json_quote({name.data(), name.size()}));
    fields[name] = value;
  }
  OpenGate opening;
  BATON_TRY(request, request_of(fields, call.profile));
  opening.ident = Json(fields).text("key");
  if (opening.ident.empty()) opening.ident = Json(fields).text("name");
  if (opening.ident.empty())
    return fail_with_fix(Code::invalid,
                         "add ?name=, made of what is tested, such as {{args.image}}, to the "
                         "metric's url",
                         "name or key is needed, so that the next measurement finds the gate");
  opening.request = std::move(request);
  opening.form = AnswerForm::argo;
  return opening;
}

}  // namespace baton::links
