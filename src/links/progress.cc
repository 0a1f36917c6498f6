// SPDX-License-Identifier: MIT
#include "links/progress.h"

#include <algorithm>

namespace baton::links {

using model::CaseVerdict;

bool is_bad(const CaseLine& line) {
  const CaseVerdict verdict = line.result.verdict;
  return verdict == CaseVerdict::failed || verdict == CaseVerdict::errored ||
         verdict == CaseVerdict::timed_out;
}

Progress progress_of(const std::vector<CaseLine>& cases) {
  if (cases.empty()) return {};
  const auto all = static_cast<std::int64_t>(cases.size());
  const auto done = std::count_if(cases.begin(), cases.end(), [](const CaseLine& line) {
    return line.result.verdict != CaseVerdict::pending;
  });
  const auto bad = std::count_if(cases.begin(), cases.end(), is_bad);
  const auto percent = std::min<std::int64_t>(99, done * 100 / all);
  return {static_cast<int>(percent), fmt::format("{} of {} tests done, {} failed", done, all, bad)};
}

Progress progress_of(const Message& message) {
  if (!message.read_cases) return {};
  const auto cases = message.read_cases();
  return cases ? progress_of(*cases) : Progress{};
}

}  // namespace baton::links
