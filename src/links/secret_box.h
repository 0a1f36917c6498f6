// SPDX-License-Identifier: MIT
#pragma once
// Encrypts what inbound calls carry (tokens to answer with) before it is stored: AES-256-GCM with a
// key that lies beside the database, in a file that only the server's user may read. Any thread.
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace baton::links {

class SecretBox {
 public:
  /// The key of the file, which is made (mode 0600) when it is missing.
  /// Errors: unavailable, invalid (the file is no key).
  static Result<SecretBox> open(const std::string& key_file);

  /// Text that only this key opens; each call gives another.
  std::string seal(const std::map<std::string, std::string>& secrets) const;
  /// Errors: invalid (another key, or damaged).
  Result<std::map<std::string, std::string>> unseal(std::string_view sealed) const;

 private:
  explicit SecretBox(std::string key) : key_(std::move(key)) {}
  std::string key_;
};

}  // namespace baton::links
