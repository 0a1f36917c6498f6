// SPDX-License-Identifier: MIT
#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace baton {

void assertion_failed(const char* condition, const char* why, const char* file, int line) {
  std::fprintf(stderr, "baton: assertion failed: %s (%s) at %s:%d\n", condition, why, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace baton
