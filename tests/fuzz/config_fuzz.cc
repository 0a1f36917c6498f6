// SPDX-License-Identifier: MIT
// Any bytes as baton.yaml: parse, check, read, tell. What has no problem must have sane values.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "config/check.h"
#include "config/read.h"

namespace {

using baton::config::Config;
using baton::config::Problem;

void check_sane(const Config& config) {
  for (const auto& suite : config.suites)
    if (suite.command.empty() || suite.workers < 1 || !suite.folder.starts_with('/')) std::abort();
  for (const auto& schedule : config.schedules)
    if (schedule.cron.empty() != schedule.every.has_value()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto root = baton::config::parse_yaml(text, "baton.yaml");
  if (!root) return 0;
  std::vector<Problem> problems;
  baton::config::check(*root, baton::config::file_schema(), "", problems);
  const Config config = baton::config::read_config(*root, {"/srv", "/srv"}, problems);
  baton::config::settings_of(*root);
  for (const Problem& problem : problems) baton::config::to_text(problem);
  if (problems.empty()) check_sane(config);
  return 0;
}
