// SPDX-License-Identifier: MIT
#pragma once
// The headless run of a suite binary: selects, orders and runs tests, prints and writes reports.
#include <vector>

#include "suite/options.h"
#include "suite/registry.h"

namespace baton::suite {

/// Result: the exit code. Errors: invalid (bad filter, unknown suite), unavailable (a report cannot
/// be written).
Result<int> run_headless(const std::vector<SuiteSpec>& suites, RunOptions options);

/// The tests of `suite` that the filter selects.  Errors: invalid.
Result<std::vector<const CaseSpec*>> select_cases(const SuiteSpec& suite,
                                                  const std::string& filter);

/// The same order for the same seed on every machine.
void shuffle(std::vector<const CaseSpec*>& cases, std::uint64_t seed);

}  // namespace baton::suite
