// SPDX-License-Identifier: MIT
#pragma once
// A JUnit file with every attempt, in the form of Surefire: a test that passed on a retry has
// <flakyFailure> or <flakyError>, one that never passed has <failure> or <error> for its first
// attempt and <rerunFailure> or <rerunError> for the others.
#include <string>
#include <vector>

#include "suite/results.h"

namespace baton::suite {

/// Well-formed for any output of the tests: what XML cannot hold is replaced.
std::string junit_xml(const std::vector<SuiteResult>& results);

}  // namespace baton::suite
