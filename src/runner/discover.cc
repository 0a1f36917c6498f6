// SPDX-License-Identifier: MIT
#include "runner/discover.h"

#include <stdlib.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "runner/environment.h"

namespace baton::runner {
namespace {

// A folder that is gone at the end of the scope.
class Scratch {
 public:
  Scratch() {
    std::string path = std::filesystem::temp_directory_path().string() + "/baton-list-XXXXXX";
    if (::mkdtemp(path.data()) != nullptr) path_ = path;
  }
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

Result<wire::Discovery> discover(const model::Suite& suite, int timeout_ms) {
  wire::Discovery discovery;
  discovery.suites.push_back(suite);
  model::Suite& found = discovery.suites.front();
  if (!traits_of(suite.kind).lists) {
    if (suite.kind == model::Kind::command) {
      found.cases.clear();
      found.cases.emplace_back().name = suite.name;
    }
    return discovery;
  }
  const Scratch scratch;
  if (scratch.path().empty()) return fail(Code::unavailable, "no scratch folder can be made");
  BATON_TRY(step, list_step(suite, scratch.path()));
  Launch launch;
  launch.command = step.command;
  launch.folder = suite.folder;
  launch.environment = base_environment();
  for (const auto& [name, value] : suite.environment_variables) launch.environment[name] = value;
  for (const auto& [name, value] : step.environment) launch.environment[name] = value;
  if (const char* key = std::getenv(kListKeyVariable)) launch.environment[kListKeyVariable] = key;
  BATON_TRY(collected, collect(std::move(launch), timeout_ms));
  if (suite.kind == model::Kind::cpp) {
    BATON_TRY(suites, read_cpp_list(suite, collected));
    discovery.suites = std::move(suites);
    return discovery;
  }
  BATON_TRY(cases, read_list(suite, step, collected));
  found.cases = std::move(cases);
  return discovery;
}

}  // namespace baton::runner
