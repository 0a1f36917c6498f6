// SPDX-License-Identifier: MIT
#pragma once
// "x" twice in one source is two cases, "x" and "x#2" (docs/formats/reports.md). One per report or
// stream. Keeps a hash and a count for each name, so that a million long names stay small.
#include <cstdint>
#include <string>
#include <unordered_map>

namespace baton::reports {

class UniqueNames {
 public:
  /// `name`, or the first of "name#2", "name#3" … that this object has not given out.
  std::string unique(std::string name);

 private:
  std::unordered_map<std::uint64_t, std::uint32_t> seen_;  // hash of a name -> how often seen
};

}  // namespace baton::reports
