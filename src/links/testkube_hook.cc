// SPDX-License-Identifier: MIT
#include "links/testkube_hook.h"

#include <boost/json.hpp>

#include "base/text.h"
#include "links/loose_fields.h"
#include "links/peer.h"

namespace baton::links::testkube_hook {
namespace {

// Ids are 24 hexadecimal digits; names of executions fit, too.
constexpr std::size_t kIdMax = 253;

std::string execution_of(const Json& event) {
  std::string id = event.object("testWorkflowExecution").text("id");
  if (id.empty()) id = event.text("execution");
  if (id.empty()) id = event.text("executionId");
  return id;
}

}  // namespace

Result<Inbound> read(const InboundCall& call) {
  BATON_TRY(body, object_of_body(call.request.body));
  std::string id = execution_of(Json(body));
  for (const auto& [name, value] : body) {
    if (!id.empty() || !value.is_string()) continue;
    const boost::json::string& text = value.get_string();
    if (text.starts_with("{")) id = execution_of(Json(std::string_view{text.data(), text.size()}));
  }
  if (id.empty()) return Ignored{"it is about no execution"};
  if (id.size() > kIdMax || has_control_bytes(id))
    return fail(Code::invalid, "the id of the execution is none of Testkube's");
  return LookAgain{std::move(id)};
}

}  // namespace baton::links::testkube_hook
