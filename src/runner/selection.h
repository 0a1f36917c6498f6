// SPDX-License-Identifier: MIT
#pragma once
// Which cases a run wants: RE2 over names, and exact names.
#include <functional>
#include <string>

#include "base/result.h"
#include "model/run.h"

namespace baton::runner {

/// Empty function: all of them. Errors: invalid (the expression).
Result<std::function<bool(const std::string& name)>> make_selection(
    const model::RunRequest& request);

}  // namespace baton::runner
