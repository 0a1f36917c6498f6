// SPDX-License-Identifier: MIT
#include "reports/unique_names.h"

#include <functional>

#include "reports/kept_text.h"

namespace baton::reports {

std::string UniqueNames::unique(std::string name) {
  const auto hash = [](const std::string& text) {
    return std::uint64_t{std::hash<std::string>{}(text)};
  };
  std::uint32_t count = ++seen_[hash(name)];
  if (count == 1) return name;
  std::string candidate;
  do {
    candidate = clean_name(name + "#" + std::to_string(count));
    ++count;
  } while (++seen_[hash(candidate)] > 1);
  seen_[hash(name)] = count - 1;
  return candidate;
}

}  // namespace baton::reports
