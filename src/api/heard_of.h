// SPDX-License-Identifier: MIT
#pragma once
// What the writer has heard of leases: renewals are in its memory only, so a reader beside it asks.
#include <boost/asio/awaitable.hpp>

#include <string>
#include <unordered_map>
#include <vector>

#include "api/context.h"
#include "engine/lease_status.h"

namespace baton::api {

using HeardOf = std::unordered_map<std::string, engine::Beats::Beat>;

/// Of the held ones among these leases. Empty when the writer does not answer: what is left of a
/// lease looks shorter then than it is.
boost::asio::awaitable<HeardOf> heard_of(Context& context, const std::vector<model::Lease>& leases);

/// The lease with what is left of its time.
Result<engine::LeaseStatus> status_in(store::Session& session, TimePoint at, const HeardOf& heard,
                                      model::Lease lease);

}  // namespace baton::api
