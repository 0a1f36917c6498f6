// SPDX-License-Identifier: MIT
#pragma once
// Which addresses may be connected to when a caller named the host: not this machine and not its
// neighbours, unless the configuration says so. It judges the numeric address of the connection, so
// that no answer of a name server gets around it. Pure.
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/link.h"

namespace baton::links {

/// "10.0.0.0/8", "fd00::/8", or one address.  Errors: invalid.
Result<void> check_network(std::string_view network);
/// True when the address lies in the network; an IPv4-mapped IPv6 address is the IPv4 one.
bool lies_in(std::string_view address, std::string_view network);

/// What makes an address no public one: "private", "loopback", "link-local", …; "" when it is.
/// Also for IPv6 addresses that carry an IPv4 one (mapped, compatible, NAT64, 6to4).
std::string_view local_kind(std::string_view address);

/// entry_host: the host of the entry of profile.allow that covers the URL; an address that stands
/// there as it is, or a loopback address for "localhost", is meant.
/// Errors: forbidden, with what to add to `networks`.
Result<void> check_address(const model::LinkProfile& profile, std::string_view entry_host,
                           const std::string& address);

}  // namespace baton::links
