// SPDX-License-Identifier: MIT
#pragma once
// What a run's lease adds to what is shown of the run, and to what its tests are given. Reads only.
#include <map>
#include <string>

#include "base/time.h"
#include "model/run.h"
#include "store/session.h"

namespace baton::api {

/// Members of the run's document, with a comma before each, "" for a run without a lease:
/// "waiting":{position,eta_ms?,ahead,barred?} while it waits, "fence" once it holds, and
/// "environment_events" when it is finished.
Result<std::string> lease_members(store::Session& session, const model::Run& run, TimePoint wall);

/// BATON_LEASE, BATON_FENCE and the environment's properties as BATON_ENV_<KEY>.
Result<std::map<std::string, std::string>> lease_variables(store::Session& session,
                                                           const model::Run& run, TimePoint at);

}  // namespace baton::api
