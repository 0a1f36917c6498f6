// SPDX-License-Identifier: MIT
#pragma once
// Which hosts are this machine whatever a name server says. Decides where passwords are not needed
// and where proxies are not asked, so it is strict. Pure; resolves nothing.
#include <string_view>

namespace baton {

/// True for "localhost", an IPv4 address of 127.0.0.0/8 written with four numbers, "::1" and
/// "[::1]"; nothing else: not "127.evil.example", "127.1" or "LOCALHOST", which a caller that takes
/// any case makes small first. host: without port, path or user.
bool is_loopback_host(std::string_view host);

}  // namespace baton
