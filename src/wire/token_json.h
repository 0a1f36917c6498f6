// SPDX-License-Identifier: MIT
#pragma once
// Tokens and the audit as JSON. A token's secret is shown once, in the answer that made it. Pure.
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/token.h"
#include "wire/json_writer.h"

namespace baton::wire {

/// The body of POST /tokens: {name,scope,expires?}, expires as a time or as a duration from now.
struct TokenRequest {
  std::string name;
  model::Scope scope = model::Scope::viewer;
  std::optional<TimePoint> expires_at;
};
/// Errors: invalid (a scope that cannot be asked for, a time that has passed).
Result<TokenRequest> parse_token_request(std::string_view body, TimePoint now);

/// secret: "" in lists.
void write_token(JsonWriter& out, const model::Token& token, std::string_view secret);
void write_audit_entry(JsonWriter& out, const model::AuditEntry& entry);

}  // namespace baton::wire
