// SPDX-License-Identifier: MIT
#pragma once
// Turns a merged tree into the structures of config.h, and tells each setting with its origin.
#include <string>
#include <vector>

#include "config/config.h"
#include "config/keys.h"
#include "config/node.h"

namespace baton::config {

/// What relative paths are relative to: the file's folder, and for variables and flags the
/// process's.
struct Folders {
  std::string file;
  std::string process;
};

/// Reads every section; what is malformed keeps its default (check() has reported it). Appends the
/// problems that only show across keys: duplicates, suites and schedules that contradict
/// themselves, an open server without authentication.
Config read_config(const Node& root, const Folders& folders, std::vector<Problem>& problems);

/// All scalar settings of the fixed sections with their defaults, then what the file has in lists
/// and maps.
std::vector<Setting> settings_of(const Node& root);

/// Puts variables and flags over the file's values, as nodes with places of their own.
void merge_overrides(Node& root, const Sources& sources, std::vector<Problem>& problems);

/// "postgres://user:***@host/db"; other texts stay.
std::string mask_password(std::string_view url);

}  // namespace baton::config
