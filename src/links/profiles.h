// SPDX-License-Identifier: MIT
#pragma once
// The links of the configuration, found by the name that deliveries and routes use.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/gate.h"
#include "model/link.h"

namespace baton::links {

using Profiles = std::vector<model::LinkProfile>;

/// By "KIND/PROFILE", or null.
const model::LinkProfile* find_profile(const Profiles& profiles, std::string_view id);
/// Errors: not_found, with the profiles that there are.
Result<const model::LinkProfile*> get_profile(const Profiles& profiles, std::string_view id);

/// Which secret a message to the peer would lack, and why: "token: the variable X is not set"; ""
/// when it has what it needs. Without it the peer would be told by nobody, or unsigned.
std::string missing_secret(const model::LinkProfile& profile);

/// That every target of the request is something that a link of the configuration can do, and its
/// Testkube is one of them; gives the targets their stages.
/// Errors: invalid with one detail per field.
Result<void> check_links(const Profiles& profiles, model::GateRequest& request);

}  // namespace baton::links
