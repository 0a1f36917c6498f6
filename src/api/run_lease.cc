// SPDX-License-Identifier: MIT
#include "api/run_lease.h"

#include <fmt/format.h>

#include "api/lease_json.h"
#include "engine/lease_status.h"
#include "store/lease_table.h"
#include "store/run_table.h"

namespace baton::api {
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

}  // namespace baton::api
