// SPDX-License-Identifier: MIT
#pragma once
// How a run's parameters and an environment's properties are called in the environment of a test.
// Pure. The runner sets them by the same rule.
#include <string_view>

#include "base/variable_name.h"

namespace baton::suite {

inline constexpr std::string_view kParameterPrefix = "BATON_PARAM_";
inline constexpr std::string_view kPropertyPrefix = "BATON_ENV_";

using baton::variable_name;

}  // namespace baton::suite
