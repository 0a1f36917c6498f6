// SPDX-License-Identifier: MIT
#pragma once
// How far a subject is, from its cases. Pure but for asking the message for them.
#include <cstdint>
#include <string>
#include <vector>

#include "links/message.h"

namespace baton::links {

struct Progress {
  int percent = 0;                               // 100 only when the gate has ended
  std::string text = "waiting for the verdict";  // "12 of 40 tests done, 1 failed"
};

/// Failed, errored or timed out, and not quarantined.
bool is_bad(const CaseLine& line);
Progress progress_of(const std::vector<CaseLine>& cases);
/// Of the message's cases; where there are none, or they cannot be read, the state of the gate.
Progress progress_of(const Message& message);

}  // namespace baton::links
