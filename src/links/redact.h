// SPDX-License-Identifier: MIT
#pragma once
// Peers that are told a secret may repeat it: debugging proxies, firewalls and echo servers answer
// with the request. What they say is shown to people, so secrets are taken out of it. Pure.
#include <string>
#include <string_view>
#include <vector>

#include "model/link.h"
#include "net/http.h"

namespace baton::links {

/// Those of the profile, that every message to its peer may carry.
std::vector<std::string> secrets_of(const model::LinkProfile& profile);

/// Those within the headers of a request: the credentials, also decoded, of Authorization; the
/// token of PRIVATE-TOKEN. Tokens that a peer has issued meanwhile are known from nowhere else.
std::vector<std::string> secrets_of(const net::Headers& headers);

/// The text with "(secret)" in place of each of the secrets, also where they are written in base64,
/// percent-encoded or within JSON. What is shorter than four bytes stays: it would be found
/// everywhere.
std::string redact(std::string text, const std::vector<std::string>& secrets);

}  // namespace baton::links
