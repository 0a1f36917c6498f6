// SPDX-License-Identifier: MIT
#include "api/audit.h"

#include "engine/token_ops.h"

namespace baton::api {

Actor actor_of(const Call& call) {
  return {call.who.actor, call.request.request_id, call.request.peer};
}

Result<void> audit(engine::Context& context, const Actor& actor, std::string_view action,
                   std::string_view subject, std::string_view detail) {
  model::AuditEntry entry;
  entry.actor = actor.name;
  entry.action = action;
  entry.subject = subject;
  entry.detail = detail;
  entry.request_id = actor.request_id;
  entry.address = actor.address;
  return engine::audit(context, std::move(entry));
}

}  // namespace baton::api
