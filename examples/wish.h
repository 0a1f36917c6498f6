// SPDX-License-Identifier: MIT
#pragma once
// What the caller wants to see: EXAMPLE_FAIL=1 breaks one case, EXAMPLE_FLAKY=1 breaks one at its
// first attempt. Through Baton: `baton run examples/gtest --param example_fail=1`.
#include <cstdlib>
#include <cstring>
#include <string>

inline bool wished(const std::string& what) {
  return std::getenv(("EXAMPLE_" + what).c_str()) != nullptr ||
         std::getenv(("BATON_PARAM_EXAMPLE_" + what).c_str()) != nullptr;
}

inline bool fails() { return wished("FAIL"); }

inline bool fails_at_first() {
  const char* attempt = std::getenv("BATON_ATTEMPT");
  return wished("FLAKY") && (attempt == nullptr || std::strcmp(attempt, "1") == 0);
}
