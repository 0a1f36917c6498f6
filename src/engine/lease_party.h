// SPDX-License-Identifier: MIT
#pragma once
// Parties: all requests with one holder's name are one party, which does nothing else while it
// waits. For operations only.
#include <cstdint>
#include <string>
#include <vector>

#include "model/lease.h"
#include "store/tx.h"

namespace baton::engine {

/// Whether the older waiting lease waits, perhaps over others, for the party of the younger one.
/// Then what is set aside for it must not bind the younger: each would wait for the other.
Result<bool> waits_for_party(store::Session& session, std::int64_t older,
                             const model::Lease& younger);

/// Parties and environments in turn, beginning with the party of the waiting lease, when its wait
/// can never end because everybody who could end it waits for it; else empty.
Result<std::vector<std::string>> find_deadlock(store::Session& session,
                                               const model::Lease& waiting);

}  // namespace baton::engine
