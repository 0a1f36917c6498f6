// SPDX-License-Identifier: MIT
#pragma once
// How a key that people chose becomes the name of an environment variable. Pure. Different keys may
// become one name.
#include <string>
#include <string_view>

namespace baton {

/// "X_" and "base-url" → "X_BASE_URL": upper case; what is neither letter nor digit is '_'.
inline std::string variable_name(std::string_view prefix, std::string_view key) {
  std::string name(prefix);
  for (const char c : key) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += lower ? static_cast<char>(c - 'a' + 'A') : kept ? c : '_';
  }
  return name;
}

}  // namespace baton
