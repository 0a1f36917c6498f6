// SPDX-License-Identifier: MIT
#pragma once
// The environment of test processes: what a program needs to work at all, what the suite declares,
// and what api.md promises. Nothing else of the runner's own environment, and never its BATON_*.
#include <string>

#include "runner/process.h"
#include "wire/job.h"

namespace baton::runner {

/// The allowed part of this process's environment.
Variables base_environment();

/// For every process of the run: the allowed part, the suite's environment_variables, the job's
/// variables, BATON_RUN, BATON_ENVIRONMENT, TRACEPARENT, BATON_PARAM_<NAME>; later ones win.
/// `mark` ("<key>.<serial>") becomes kMarkVariable and its key kKeyVariable (forest.h).
Variables test_environment(const wire::Job& job, const std::string& mark);

/// "base-url" becomes BATON_PARAM_BASE_URL: upper case, other characters than [A-Z0-9_] become '_'.
std::string parameter_variable(const std::string& name);

}  // namespace baton::runner
