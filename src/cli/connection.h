// SPDX-License-Identifier: MIT
#pragma once
// Which server the command line talks to, and as whom: flag > environment (BATON_URL, BATON_TOKEN)
// > .baton.yaml of this folder or one above > the user's file (~/.config/baton/config.yaml, its
// current context) > a server of this machine.
#include <map>
#include <string>
#include <vector>

#include "cli/verb.h"
#include "client/api_client.h"

namespace baton::cli {

/// A value and where it came from, for `baton config view` and `baton doctor`.
struct Origin {
  std::string value;
  std::string from;  // "--url", "BATON_URL", "/home/x/project/.baton.yaml", "the default"
};

struct Target {
  Origin url;
  Origin token;
  std::string key_pin;  // of a server of this machine that has TLS
  client::Endpoint endpoint() const { return {url.value, token.value, key_pin}; }
};

/// A variable of this process's environment; "" when it is not set.
std::string variable(const char* name);

/// Errors: invalid (a file cannot be read as YAML).
Result<Target> find_target(const Invocation& invocation);

/// A client for it.
Result<client::ApiClient> connect(const Invocation& invocation);

struct Context {
  std::string url;
  std::string token;
};

/// The user's file.
struct UserFile {
  std::string current;
  std::map<std::string, Context> contexts;
};

std::string user_file_path();
/// A missing file is an empty one.  Errors: invalid.
Result<UserFile> read_user_file();
/// Written with mode 0600, since it holds tokens.
Result<void> write_user_file(const UserFile& file);

}  // namespace baton::cli
