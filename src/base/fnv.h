// SPDX-License-Identifier: MIT
#pragma once
// FNV-1a, 64 bits: a small hash that is the same on every machine and in every version. Not for
// secrets. http://www.isthe.com/chongo/tech/comp/fnv/
#include <cstdint>
#include <string_view>

namespace baton {

inline constexpr std::uint64_t kFnvBasis = 14695981039346656037ULL;

/// `hash`: what came before the text.
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t hash = kFnvBasis) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

}  // namespace baton
