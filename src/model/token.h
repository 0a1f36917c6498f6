// SPDX-License-Identifier: MIT
#pragma once
// A token: who may do what. Only the SHA-256 of its secret is stored.
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"

namespace baton::model {

/// Each scope may do what those before it may, but for `runner`: it may only report on one run.
enum class Scope { runner, viewer, operator_, admin };
std::string_view name_of(Scope scope);  // "operator" for operator_
Result<Scope> parse_scope(std::string_view text);

/// True when a token of scope `has` suffices where `needs` is asked for.
bool covers(Scope has, Scope needs);

struct Token {
  std::string id;  // "tok_…"
  std::string name;
  Scope scope = Scope::viewer;
  std::optional<RunId> run;  // of a runner's token
  TimePoint created_at;
  std::optional<TimePoint> expires_at;
  std::optional<TimePoint> last_used_at;  // by the hour
};

/// Who did what to what: a row of the audit.
struct AuditEntry {
  std::int64_t id = 0;
  TimePoint at;
  std::string actor;    // the token's name, or "anonymous"
  std::string action;   // "token.create"
  std::string subject;  // "token:tok_…"
  std::string detail = "{}";  // a JSON object without secrets
  std::string request_id;
  std::string address;
};

}  // namespace baton::model
