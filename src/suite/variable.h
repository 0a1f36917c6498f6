// SPDX-License-Identifier: MIT
#pragma once
// How a run's parameters and an environment's properties are called in the environment of a test.
// Pure. The runner sets them by the same rule.
#include <string>
#include <string_view>

namespace baton::suite {

inline constexpr std::string_view kParameterPrefix = "BATON_PARAM_";
inline constexpr std::string_view kPropertyPrefix = "BATON_ENV_";

/// "base-url" → "BATON_PARAM_BASE_URL": upper case; what is neither letter nor digit is '_'.
inline std::string variable_name(std::string_view prefix, std::string_view key) {
  std::string name(prefix);
  for (const char c : key) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += lower ? static_cast<char>(c - 'a' + 'A') : kept ? c : '_';
  }
  return name;
}

}  // namespace baton::suite
