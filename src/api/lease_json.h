// SPDX-License-Identifier: MIT
#pragma once
// Leases as answers show them. Pure.
#include <optional>
#include <string>
#include <string_view>

#include "engine/lease_ops.h"
#include "engine/lease_status.h"
#include "wire/json_writer.h"

namespace baton::api {

/// {id,state,grants,fence,expires_in_ms,position,ahead,eta_ms?,holder,…}. place: of one that waits.
void write_lease(wire::JsonWriter& out, const engine::LeaseStatus& status,
                 const std::optional<engine::QueuePlace>& place);

/// The members position, ahead, eta_ms? and barred?; of one that does not wait null and [].
void write_place(wire::JsonWriter& out, const std::optional<engine::QueuePlace>& place);

/// The members of a holder's object, and the object again as `holder`: both forms are in use.
void write_holder_members(wire::JsonWriter& out, const model::Lease& lease);

}  // namespace baton::api
