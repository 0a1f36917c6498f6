// SPDX-License-Identifier: MIT
#pragma once
// Who did what: rows of the audit, written in the transaction of the act itself.
#include <string>
#include <string_view>

#include "api/route.h"
#include "engine/writer.h"

namespace baton::api {

/// What the audit keeps of a request, copied into its operation.
struct Actor {
  std::string name;
  std::string request_id;
  std::string address;
};
Actor actor_of(const Call& call);

/// action: "run.cancel"; subject: "run:17"; detail: a JSON object without secrets.
Result<void> audit(engine::Context& context, const Actor& actor, std::string_view action,
                   std::string_view subject, std::string_view detail = "{}");

}  // namespace baton::api
