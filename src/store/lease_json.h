// SPDX-License-Identifier: MIT
#pragma once
// The JSON texts inside the rows of environments and leases; see row_json.h.
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/environment.h"
#include "model/lease.h"

namespace baton::store {

/// What of the environment is no column.
std::string encode_environment(const model::Environment& environment);
Result<void> decode_environment(std::string_view json, model::Environment& environment);

/// What of the request is no column of the lease.
std::string encode_lease_request(const model::Lease& lease);
Result<void> decode_lease_request(std::string_view json, model::Lease& lease);

/// "" when there are none; also the `grants` member of events.
std::string encode_grants(const std::vector<model::Grant>& grants);
Result<std::vector<model::Grant>> decode_grants(std::string_view json);

/// Note and successor of a lease that has ended; "" when it has neither.
std::string encode_ending(const model::Lease& lease);
Result<void> decode_ending(std::string_view json, model::Lease& lease);

std::string encode_labels(const model::Labels& labels);
Result<model::Labels> decode_labels(std::string_view json);

}  // namespace baton::store
