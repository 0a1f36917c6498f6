// SPDX-License-Identifier: MIT
#pragma once
// Assertions that stay on in every build: a broken invariant stops the process before it is stored.
// For programming errors only; user input must never reach one.

namespace baton {
[[noreturn]] void assertion_failed(const char* condition, const char* why, const char* file,
                                   int line);
}

#define BATON_ASSERT(condition, why) \
  (static_cast<bool>(condition) ? void() \
                                : ::baton::assertion_failed(#condition, why, __FILE__, __LINE__))
