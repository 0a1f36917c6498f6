// SPDX-License-Identifier: MIT
#pragma once
// Opens the listening socket of a server, TCP or Unix. Blocking; called once at start.
#include <cstdint>
#include <string>

#include "base/file.h"
#include "base/result.h"
#include "net/server.h"

struct sockaddr;

namespace baton::net {

struct Listener {
  Fd socket;  // non-blocking, listening
  std::uint16_t port = 0;
  std::string url;
  std::string unix_path;  // to be removed at the end; "" for TCP
};

/// Errors: invalid (the address is malformed or unknown here), conflict (in use), forbidden (the
/// port needs a privilege), unavailable.
Result<Listener> open_listener(const ServerOptions& options);

/// "127.0.0.1:40422", "[::1]:40422", "unix".
std::string describe_peer(const sockaddr& address);

}  // namespace baton::net
