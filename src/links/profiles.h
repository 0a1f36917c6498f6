// SPDX-License-Identifier: MIT
#pragma once
// The links of the configuration, found by the name that deliveries and routes use.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "links/secret_box.h"
#include "model/gate.h"
#include "model/link.h"

namespace baton::links {

using Profiles = std::vector<model::LinkProfile>;

/// By "KIND/PROFILE", or null.
const model::LinkProfile* find_profile(const Profiles& profiles, std::string_view id);
/// Errors: not_found, with the profiles that there are.
Result<const model::LinkProfile*> get_profile(const Profiles& profiles, std::string_view id);

/// What the schema of the configuration cannot say of a link: its entries of `allow` and
/// `networks`.  Errors: invalid with one detail per entry.
Result<void> check_profile(const model::LinkProfile& profile);

/// Which secret a message to the peer would lack, and why: "token: the variable X is not set"; ""
/// when it has what it needs. Without it the peer would be told by nobody, or unsigned.
std::string missing_secret(const model::LinkProfile& profile);

/// Makes a request ready to be stored: every target must be something that a link of the
/// configuration can do, and its Testkube one of them; targets get their stages, and what is secret
/// in their fields is sealed.  Errors: invalid with one detail per field.
Result<void> prepare_request(const Profiles& profiles, const SecretBox& box,
                             model::GateRequest& request);

}  // namespace baton::links
