// SPDX-License-Identifier: MIT
#pragma once
// How many cases a suite, a run or an upload may have: one operation stores all of them, so the
// number bounds how long everybody else waits (about a second).
#include <fmt/core.h>

#include <cstddef>
#include <string>

namespace baton::model {

inline constexpr std::size_t kCasesMax = 50'000;

inline std::string too_many_cases(std::size_t count) {
  return fmt::format(
      "the suite lists {} cases, at most {} are taken: divide it into several suites", count,
      kCasesMax);
}

}  // namespace baton::model
