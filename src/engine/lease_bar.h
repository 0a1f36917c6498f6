// SPDX-License-Identifier: MIT
#pragma once
// What keeps a lease from an environment besides its holders: the environment's state, or a
// booking. So that nobody waits, or is refused, without knowing for what.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/booking.h"
#include "model/environment.h"
#include "model/lease.h"
#include "store/session.h"

namespace baton::engine {

struct Bar {
  std::string environment;
  model::EnvironmentState state = model::EnvironmentState::enabled;  // not enabled: it is the bar
  std::string reason;                                                // of the state
  std::optional<model::Window> window;  // else: the booking's
};

/// For each environment that the waiting lease may be given and that bars it at `wall`: its state,
/// or the window that keeps it out the longest. By name.
Result<std::vector<Bar>> bars_of(store::Session& session, const model::Lease& lease,
                                 TimePoint wall);

/// For people: "uat is booked by team pay from 2026-03-02T09:00:00.000Z until …".
std::string describe(const Bar& bar);
/// {"environment","state","reason"} or {"environment","booking","kind","owner"?,"from","to"}.
std::string bar_json(const Bar& bar);

}  // namespace baton::engine
