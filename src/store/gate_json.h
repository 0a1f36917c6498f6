// SPDX-License-Identifier: MIT
#pragma once
// The JSON text in the row of a gate: what is stored and read back whole and never filtered by.
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/gate.h"

namespace baton::store {

/// What of the request is no column; not its targets, which are deliveries.
std::string encode_gate_request(const model::GateRequest& request);
/// Errors: internal, when the row holds something else than what was written.
Result<void> decode_gate_request(std::string_view json, model::GateRequest& request);

}  // namespace baton::store
