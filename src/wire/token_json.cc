// SPDX-License-Identifier: MIT
#include "wire/token_json.h"

#include "base/text.h"
#include "wire/json_reader.h"

namespace baton::wire {
namespace {

constexpr std::size_t kTokenNameMax = 200;

Result<model::Scope> parse_grantable_scope(std::string_view text) {
  BATON_TRY(scope, model::parse_scope(text));
  if (scope == model::Scope::runner)
    return fail(Code::invalid, "runner tokens are made by the server for its runs");
  return scope;
}

void read_expiry(JsonFields& f, TimePoint now, std::optional<TimePoint>& out) {
  std::optional<std::string> text;
  f.text("expires", text);
  if (!text) return;
  if (const auto lifetime = parse_duration(*text)) {
    out = now + *lifetime;
  } else if (const auto at = parse_rfc3339(*text)) {
    out = *at;
  } else {
    return f.fault("expires", "write a duration such as 90d or an RFC 3339 time");
  }
  if (*out <= now) f.fault("expires", "it lies in the past");
}

}  // namespace

Result<TokenRequest> parse_token_request(std::string_view body, TimePoint now) {
  TokenRequest request;
  BATON_TRY_VOID(read_json(body, [&](JsonFields& f) {
    f.text("name", request.name);
    if (trim(request.name).empty()) f.fault("name", "it is required: who will use the token");
    if (request.name.size() > kTokenNameMax || has_control_bytes(request.name))
      f.fault("name", fmt::format("at most {} bytes, none of them control bytes", kTokenNameMax));
    f.require("scope");
    f.choice("scope", request.scope, parse_grantable_scope);
    read_expiry(f, now, request.expires_at);
  }));
  return request;
}

void write_token(JsonWriter& out, const model::Token& token, std::string_view secret) {
  out.begin_object().field("id", token.id).field_if("token", secret);
  out.field("name", token.name).field("scope", name_of(token.scope));
  if (token.run) out.field("run", raw(*token.run));
  out.field("created_at", token.created_at)
      .field_if("expires_at", token.expires_at)
      .field_if("last_used_at", token.last_used_at)
      .end_object();
}

void write_audit_entry(JsonWriter& out, const model::AuditEntry& entry) {
  out.begin_object()
      .field("id", entry.id)
      .field("at", entry.at)
      .field("actor", entry.actor)
      .field("action", entry.action)
      .field("subject", entry.subject)
      .key("detail")
      .raw(entry.detail.empty() ? "{}" : entry.detail);
  out.field_if("request_id", entry.request_id).field_if("address", entry.address).end_object();
}

}  // namespace baton::wire
