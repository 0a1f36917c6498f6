// SPDX-License-Identifier: MIT
#pragma once
// How the command line finds a server on the same machine: each running server keeps a small file
// in the user's state folder ($XDG_STATE_HOME/baton/servers, by default
// ~/.local/state/baton/servers) that names its address and its data folder. The token stays in
// <data>/admin-token (mode 0600).
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace baton::client {

struct LocalServer {
  std::string url;   // "http://127.0.0.1:1337"
  std::string data;  // absolute folder
  int pid = 0;
  std::string key_pin = {};  // of its TLS key, "" without TLS
};

/// The user's state folder of Baton, not necessarily existing; "" when there is no home.
std::string state_folder();

/// Makes the server known; replaces the entry of the same data folder.  Errors: unavailable.
Result<void> announce(const LocalServer& server);
void withdraw(const std::string& data);

/// The servers whose process still lives.
std::vector<LocalServer> local_servers();

/// The one to talk to when the user named none: that of ./baton-data, else the one on the default
/// port, else the only one.
std::optional<LocalServer> default_server();

/// The admin token kept beside a data folder, "" when it cannot be read.
std::string stored_token(const std::string& data);

}  // namespace baton::client
