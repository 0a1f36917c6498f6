// SPDX-License-Identifier: MIT
#pragma once
// What the schema does not find about the links of a configuration: told by `baton validate` and
// `baton doctor`. Pure.
#include <string>
#include <vector>

#include "config/config.h"

namespace baton::cli {

/// Why a server does not start with them, one for each link.
std::vector<Error> link_faults(const config::Config& config);

/// What is doubtful though it can be used: "links.gocd.main: token: the variable GOCD_TOKEN is not
/// set", one for each doubt.
std::vector<std::string> link_doubts(const config::Config& config);

}  // namespace baton::cli
