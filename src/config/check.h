// SPDX-License-Identifier: MIT
#pragma once
// Compares a parsed file with the key table: unknown keys, missing keys, types and ranges.
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/keys.h"
#include "config/node.h"

namespace baton::config {

/// Appends every problem of `node` under `schema`.  path: the JSON pointer of `node`, "" for the
/// root.
void check(const Node& node, const Schema& schema, const std::string& path,
           std::vector<Problem>& problems);

/// "4096", "64KiB", "64MiB", "1GiB", "1TiB" in bytes.  Errors: invalid.
Result<std::int64_t> parse_size(std::string_view text);

/// One step of a JSON pointer, escaped.
std::string pointer_part(std::string_view name);

/// Splits "127.0.0.1:1337" or "[::1]:1337".  Errors: invalid.
struct Address {
  std::string host;
  int port = 0;
};
Result<Address> parse_address(std::string_view text);
bool is_loopback(const Address& address);

}  // namespace baton::config
