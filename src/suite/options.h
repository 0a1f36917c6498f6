// SPDX-License-Identifier: MIT
#pragma once
// The command line of a suite binary's `run`.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace baton::suite {

struct RunOptions {
  std::vector<std::string> suites;  // "namespace/name" or "name"; empty = all
  std::string filter;               // RE2, unanchored, over test names
  std::string environment;
  std::vector<std::pair<std::string, std::string>> params;
  std::optional<int> workers;
  std::optional<int> max_attempts;
  std::optional<std::int64_t> timeout_ms;
  int repeat = 1;
  std::optional<std::uint64_t> seed;  // set = shuffle
  bool shuffle = false;
  std::string junit;
  std::string artifacts;  // folder for kept files
  bool list = false;
  bool json = false;
  bool fail_on_flaky = false;
  bool allow_empty = false;
  bool verbose = false;
  bool color = true;
};

/// Errors: invalid, naming the argument, with a suggestion for a misspelt one.
Result<RunOptions> parse_run_options(const std::vector<std::string_view>& arguments);

/// What `--help` prints.
std::string help_text(std::string_view program);

}  // namespace baton::suite
