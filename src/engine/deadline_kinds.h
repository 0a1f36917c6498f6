// SPDX-License-Identifier: MIT
#pragma once
// The kinds of deadline rows and what their subjects are. deadline_ops.h says what each does.
#include <string_view>

namespace baton::engine {

inline constexpr std::string_view kRunnerLost = "runner_lost";    // run:N
inline constexpr std::string_view kRunTimeout = "run_timeout";    // run:N
inline constexpr std::string_view kRunCancel = "run_cancel";      // run:N
inline constexpr std::string_view kScheduleDue = "schedule";      // schedule:NAME
inline constexpr std::string_view kHousekeeping = "housekeeping";  // server

}  // namespace baton::engine
