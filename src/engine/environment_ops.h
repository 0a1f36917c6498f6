// SPDX-License-Identifier: MIT
#pragma once
// Operations on environments as callers ask for them.
#include <string>
#include <string_view>
#include <vector>

#include "engine/rules.h"
#include "engine/writer.h"
#include "model/environment.h"
#include "store/environment_table.h"

namespace baton::engine {

/// Errors: not_found (with the nearest name as advice).
Result<model::Environment> get_environment(store::Session& session, std::string_view name);

/// Declares or replaces it; its state stays. Those who wait and now fit are served.
/// Errors: see check_environment; conflict (a file declares it; a slot that would go is held).
Result<model::Environment> declare_environment(Context& context, const Rules& rules,
                                               model::Environment environment);
/// With its bookings, but not those by labels.
/// Errors: not_found, conflict (a file declares it; somebody holds or wants it).
Result<void> delete_environment(Context& context, std::string_view name);

/// Makes what the configuration declares so; what it declared earlier and no longer does becomes an
/// environment of the API. Slots that go away while they are held go when they are left.
Result<void> sync_environments(Context& context, const Rules& rules,
                               const std::vector<model::Environment>& environments);

/// Who asked for a change of state, and why.
struct StateChange {
  model::EnvironmentState state = model::EnvironmentState::enabled;
  std::string_view reason;
  std::string_view by;
};
/// enabled, draining or maintenance. Holders stay; those who wait are served when it is enabled.
/// Errors: not_found, invalid (no reason for maintenance or draining).
Result<model::Environment> set_environment_state(Context& context, const Rules& rules,
                                                 std::string_view name, const StateChange& change);
/// Its broken slots are checked and used again. Errors: not_found, conflict (none is broken).
Result<model::Environment> restore_environment(Context& context, const Rules& rules,
                                               std::string_view name, std::string_view reason,
                                               std::string_view by);

/// For a lease that names an environment which nobody declared: one slot, source adhoc.
/// Errors: not_found (Rules::auto_create_environments is off), invalid (the name).
Result<void> make_on_first_use(Context& context, const Rules& rules, std::string_view name);

/// Names of those with all of the labels.
Result<std::vector<std::string>> environments_with(store::Session& session,
                                                   const model::Labels& labels);

/// Whether every one of its slots is broken: then that is its state for everybody outside.
bool is_broken(const std::vector<store::SlotRow>& slots);

}  // namespace baton::engine
