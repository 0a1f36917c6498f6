// SPDX-License-Identifier: MIT
#pragma once
// What `lock acquire` and `lock exec` have in common: their flags, the request that these make, and
// the wait for the lease with its progress, its messages and its exit codes.
#include <boost/json/object.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/asker.h"
#include "cli/verb.h"
#include "client/lease_wait.h"

namespace baton::cli {

/// --wait, --ttl, --reason, …
std::vector<Flag> lock_flags();

/// This process as it asks: --holder and --holder-url, BATON_HOLDER, the CI's variables, the user.
Asker asker_of(const Invocation& invocation);

struct LockRequest {
  boost::json::object body;  // of POST /leases, without `wait`
  Duration wait{0};
  std::string what;  // "uat, db" for people
};
/// Errors: invalid (nothing is named, a number or a duration is none).
Result<LockRequest> lock_request(const Invocation& invocation);

/// Waits; progress and errors go to stderr.  Nothing: `code` is the exit code of the contract.
std::optional<client::HeldLease> wait_for_lock(const client::Endpoint& endpoint,
                                               const LockRequest& request, std::stop_token stop,
                                               int& code);

/// BATON_LEASE, BATON_FENCE, BATON_ENVIRONMENT, BATON_SLOT and one BATON_ENV_<KEY> for each
/// property.
std::map<std::string, std::string> lease_variables(const boost::json::value& lease);

/// "uat/1, db/2": environments with their slots.
std::string grants_of(const boost::json::value& lease);
/// "shop/42 (deploys 1.2, https://…)"; a holder as it is told to people.
std::string describe_holder(const boost::json::value& holder);

}  // namespace baton::cli
