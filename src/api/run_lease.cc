// SPDX-License-Identifier: MIT
#include "api/run_lease.h"

#include <fmt/format.h>

#include "api/lease_json.h"
#include "engine/lease_status.h"
#include "store/lease_table.h"
#include "store/run_table.h"

namespace baton::api {
namespace {

// As params get theirs: capitals, and '_' for what no variable's name may hold.
std::string variable_of(std::string_view key) {
  std::string name = "BATON_ENV_";
  for (const char c : key) {
    const bool small = c >= 'a' && c <= 'z';
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += small ? static_cast<char>(c - 'a' + 'A') : plain ? c : '_';
  }
  return name;
}

}  // namespace

Result<std::string> lease_members(store::Session& session, const model::Run& run, TimePoint wall) {
  if (run.lease.empty()) return std::string{};
  BATON_TRY(lease, store::find_lease(session, run.lease));
  std::string members;
  if (lease && lease->state == model::LeaseState::queued) {
    BATON_TRY(place, engine::place_of(session, *lease, wall));
    wire::JsonWriter out;
    out.begin_object();
    write_place(out, std::optional{std::move(place)});
    members += ",\"waiting\":" + out.end_object().take();
  }
  BATON_TRY(kept, store::run_environment(session, run.id));
  const std::int64_t fence = kept ? kept->fence : lease ? lease->fence : 0;
  if (fence > 0) members += fmt::format(",\"fence\":{}", fence);
  if (kept) members += fmt::format(",\"environment_events\":{}", kept->events);
  return members;
}

Result<std::map<std::string, std::string>> lease_variables(store::Session& session,
                                                           const model::Run& run, TimePoint at) {
  std::map<std::string, std::string> variables;
  if (run.lease.empty()) return variables;
  BATON_TRY(lease, store::find_lease(session, run.lease));
  if (!lease) return variables;
  BATON_TRY(status, engine::status_of(session, at, {}, *std::move(lease)));
  variables["BATON_LEASE"] = status.lease.id;
  variables["BATON_FENCE"] = std::to_string(status.lease.fence);
  for (const auto& [key, value] : status.properties) variables[variable_of(key)] = value;
  return variables;
}

}  // namespace baton::api
