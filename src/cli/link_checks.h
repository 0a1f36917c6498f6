// SPDX-License-Identifier: MIT
#pragma once
// What is doubtful about the links of a configuration that can be used all the same: told by
// `baton validate` and `baton doctor`. Pure.
#include <string>
#include <vector>

#include "config/config.h"

namespace baton::cli {

/// "links.gocd.main: token: the variable GOCD_TOKEN is not set", one for each doubt.
std::vector<std::string> link_doubts(const config::Config& config);

}  // namespace baton::cli
