// SPDX-License-Identifier: MIT
#pragma once
// Identifiers. Runs are integers given by the database; everything else is a prefixed string.
// `Ids` is the one source of randomness that operations may use; a seed makes it repeatable.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace baton {

enum class RunId : std::int64_t {};
constexpr std::int64_t raw(RunId id) { return static_cast<std::int64_t>(id); }

/// Position in the journal.
using Seq = std::int64_t;

/// A generator for one thread.
class Ids {
 public:
  /// From the operating system's randomness.
  Ids();
  /// Repeatable, for simulations.
  explicit Ids(std::uint64_t seed);

  std::uint64_t next();
  /// `prefix` and 20 characters of [0-9a-z], 103 bits: "lse_0f3k…".
  std::string make(std::string_view prefix);

 private:
  std::array<std::uint64_t, 4> state_{};
};

/// `bytes` random bytes from the kernel, as lower-case hexadecimal: for tokens and keys.
std::string random_hex(std::size_t bytes);

}  // namespace baton
