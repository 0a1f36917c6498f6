// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "base/text.h"
#include "links/allow_list.h"
#include "links/github.h"
#include "links/signature.h"
#include "net/url.h"
#include "wire/fields.h"
#include "wire/gate_json.h"
#include "wire/json_writer.h"

namespace baton::links::github {
namespace {

// The raw body is what is signed. Every secret is tried, so that time tells nothing of which fits.
Result<void> check_signature(const InboundCall& call) {
  if (call.profile.secrets.empty())
    return fail_with_fix(Code::unauthenticated,
                         fmt::format("give links.github.{} a webhook_secret", call.profile.name),
                         "calls of GitHub cannot be told from others without a secret");
  const std::string given = to_lower(trim(call.request.headers.get("X-Hub-Signature-256")));
  bool is_ours = false;
  for (const model::Secret& secret : call.profile.secrets) {
    if (secret.empty()) continue;
    const std::string wanted = "sha256=" + to_hex(hmac_sha256(secret.value, call.body));
    is_ours = equal_in_constant_time(given, wanted) || is_ours;
  }
  if (is_ours) return {};
  return fail_with_fix(Code::unauthenticated,
                       "give the App's webhook and webhook_secret the same value", "{}",
                       given.empty() ? "the call has no X-Hub-Signature-256"
                                     : "the signature of the call is not ours");
}

// Webhooks may be set to send forms.
Result<boost::json::object> event_of(const InboundCall& call) {
  const std::string type = to_lower(call.request.headers.get("Content-Type"));
  if (!type.starts_with("application/x-www-form-urlencoded"))
    return wire::parse_object(call.body, "the event");
  for (const net::Parameter& each : net::parse_query(call.body))
    if (each.name == "payload") return wire::parse_object(each.value, "the event");
  return fail(Code::invalid, "the form has no payload");
}

Result<std::string> needed(std::string_view field, std::string value) {
  constexpr std::size_t kMax = 1'000;
  if (!value.empty() && value.size() <= kMax && !has_control_bytes(value)) return value;
  return fail(Code::invalid, "{} of the event is {}", field, value.empty() ? "missing" : "none");
}

std::string fields_of(const Place& place) {
  wire::JsonWriter out;
  out.begin_object().field("repo", place.repo);
  if (place.installation > 0) out.field("installation", place.installation);
  out.field("callback", place.callback).field("environment", place.environment).end_object();
  return out.take();
}

Result<Inbound> read_rule(const InboundCall& call, const Json& event) {
  const Json deployment = event.object("deployment");
  Question question;
  BATON_TRY(environment, needed("environment", event.text("environment")));
  BATON_TRY(repo, needed("repository.full_name", event.object("repository").text("full_name")));
  BATON_TRY(callback, needed("deployment_callback_url", event.text("deployment_callback_url")));
  question.environment = environment;
  question.repo = repo;
  question.callback = callback;
  question.deployment = deployment.text("id");
  question.sha = deployment.text("sha");
  question.installation = std::max<std::int64_t>(0, event.object("installation").number("id"));
  BATON_TRY(open, open_question(call.profile, question));
  return std::move(open);
}

}  // namespace

Result<OpenGate> open_question(const model::LinkProfile& profile, const Question& question) {
  const std::array<std::string, 1> allow{profile.url};
  BATON_TRY_VOID(allowed_by(question.callback, allow));
  BATON_TRY(url, parse_callback_url(question.callback));
  Place place;
  place.repo = question.repo;
  place.environment = question.environment;
  place.callback = url.text();
  place.installation = question.installation;
  const std::string fields = fields_of(place);
  BATON_TRY_VOID(parse_place("protection_rule", fields));

  OpenGate open;
  BATON_TRY(request, wire::parse_inbound_request("", profile.defaults));
  open.request = std::move(request);
  if (open.request.name.empty())
    open.request.name = cut_text(fmt::format("{} to {}", place.repo, place.environment), 200);
  open.request.labels["repo"] = place.repo;
  open.request.labels["environment"] = place.environment;
  if (!question.sha.empty()) open.request.labels["sha"] = question.sha;
  for (const char* op : {"progress", "protection_rule"}) {
    model::Target& target = open.request.deliver.emplace_back();
    target.link = profile.id();
    target.op = op;
    target.fields = fields;
  }
  BATON_TRY_VOID(model::check_gate_request(open.request));
  // A run that is started again asks at the same address, for a deployment of its own.
  open.ident = question.deployment.empty()
                   ? fmt::format("{} {}", place.callback, place.environment)
                   : fmt::format("deployment {} {}", question.deployment, place.environment);
  return open;
}

Result<Inbound> read(const InboundCall& call) {
  BATON_TRY_VOID(check_signature(call));
  const std::string kind{trim(call.request.headers.get("X-GitHub-Event"))};
  if (kind.empty()) return fail(Code::invalid, "the call has no X-GitHub-Event");
  if (kind != "deployment_protection_rule" && kind != "check_run")
    return Ignored{kind == "ping" ? "a ping" : "nothing waits for events of this kind"};
  BATON_TRY(object, event_of(call));
  const Json event(std::move(object));
  const std::string action = event.text("action");
  if (kind == "deployment_protection_rule" && action == "requested") return read_rule(call, event);
  const std::string ours = event.object("check_run").text("external_id");
  // GitHub's own button, and ours. Other buttons are those of whoever shares the App with us.
  const bool is_rerun = action == "rerequested" ||
                        (action == "requested_action" &&
                         event.object("requested_action").text("identifier") == kRerunAction);
  if (kind == "check_run" && is_rerun && !ours.empty())
    // Not X-GitHub-Delivery, which the signature does not cover: who replays may change it.
    return AskAgain{ours, "again " + to_hex(hmac_sha256("again", call.body))};
  return Ignored{"nothing is to be done for this action"};
}

}  // namespace baton::links::github
