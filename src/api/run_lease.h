// SPDX-License-Identifier: MIT
#pragma once
// What a run's lease adds to what is shown of the run. Reads only.
#include <string>

#include "base/time.h"
#include "model/run.h"
#include "store/session.h"

namespace baton::api {

/// Members of the run's document, with a comma before each, "" for a run without a lease:
/// "waiting":{position,eta_ms?,ahead,barred?} while it waits, "fence" once it holds, and
/// "environment_events" when it is finished.
Result<std::string> lease_members(store::Session& session, const model::Run& run, TimePoint wall);

}  // namespace baton::api
