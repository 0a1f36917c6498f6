// SPDX-License-Identifier: MIT
#pragma once
// Giving slots to leases and taking them back. For operations only.
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rules.h"
#include "engine/slot_pick.h"
#include "engine/writer.h"
#include "model/lease.h"

namespace baton::engine {

/// The clock of operations counts whole milliseconds. A lease lives so much longer than its holder
/// is told, so that rounding never ends it before its holder has stopped.
inline constexpr Duration kClockGrain{1};

/// A new id. Ids of about the same time are neighbours, so that the indexes over them and over the
/// subjects of their events grow at one end, however long the history is.
std::string make_lease_id(Context& context);

/// Serves, in order, everybody who waits for these environments and can be served now, and whoever
/// that concerns in turn. After it no waiter fits into what is free. Runs that got their lease are
/// started as far as the limits allow.
Result<void> settle(Context& context, const Rules& rules, std::set<std::string> environments);

/// The lease gets these slots with a fence of its own: state, uses, deadlines, event lease.granted.
/// A waiting one leaves the queues and has to be seen within the claim window. The rules of who is
/// next are the caller's business.
Result<void> give(Context& context, model::Lease& lease, std::vector<model::Grant> grants,
                  Duration claim_window);

/// How a lease ends.
struct End {
  model::LeaseState state = model::LeaseState::released;
  std::string_view by;      // who, "" when it was time
  std::string_view reason;  // "" when the state says all
};
/// Ends a live lease: out of the queues, or its slots are free, rest or are cleaned. Does not
/// settle; the result names the environments that the caller has to settle.
Result<std::set<std::string>> end_lease(Context& context, model::Lease& lease, const End& how);

/// Ends a held lease of which only the slots in `rest` become free; the others are given on by the
/// caller in the same step.
Result<void> end_for(Context& context, model::Lease& lease, const End& how,
                     const std::vector<model::Grant>& rest);

/// The environments that the lease holds, and those that it wants by name.
std::set<std::string> environments_of(const model::Lease& lease);

}  // namespace baton::engine
