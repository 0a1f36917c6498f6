// SPDX-License-Identifier: MIT
#include "cli/asker.h"

#include <fmt/core.h>

#include <array>
#include <initializer_list>

namespace baton::cli {
namespace {

// A CI system: the variable by which it is known, and what tells one job of it apart. "$NAME" is a
// variable; a part without a value is left out with the text before it.
struct System {
  const char* known_by;
  const char* name;
  const char* run;
  const char* url;
};

// The variables as each vendor documents them. Jobs of a matrix have one name and run at once: what
// runs them tells them apart, since requests of one holder are one party.
constexpr std::array<System, 8> kSystems{{
    {"GITHUB_ACTIONS",
     "$GITHUB_REPOSITORY/$GITHUB_WORKFLOW/$GITHUB_RUN_NUMBER/$GITHUB_JOB/$RUNNER_NAME",
     "$GITHUB_REPOSITORY#$GITHUB_RUN_ID",
     "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"},
    {"GITLAB_CI", "$CI_PROJECT_PATH/$CI_PIPELINE_ID/$CI_JOB_NAME/$CI_JOB_ID",
     "$CI_PROJECT_PATH#$CI_PIPELINE_ID", "$CI_JOB_URL"},
    {"GO_PIPELINE_NAME",
     "$GO_PIPELINE_NAME/$GO_PIPELINE_COUNTER/$GO_STAGE_NAME/$GO_STAGE_COUNTER/$GO_JOB_NAME",
     "$GO_PIPELINE_NAME/$GO_PIPELINE_COUNTER", ""},
    {"TF_BUILD", "$SYSTEM_TEAMPROJECT/$BUILD_DEFINITIONNAME/$BUILD_BUILDNUMBER/$SYSTEM_JOBID",
     "$SYSTEM_TEAMPROJECT#$BUILD_BUILDID", ""},
    {"JENKINS_URL", "$JOB_NAME/$BUILD_NUMBER/$STAGE_NAME/$EXECUTOR_NUMBER",
     "$JOB_NAME#$BUILD_NUMBER", "$BUILD_URL"},
    {"BUILDKITE", "$BUILDKITE_PIPELINE_SLUG/$BUILDKITE_BUILD_NUMBER/$BUILDKITE_JOB_ID",
     "$BUILDKITE_PIPELINE_SLUG#$BUILDKITE_BUILD_NUMBER", "$BUILDKITE_BUILD_URL"},
    {"CIRCLECI", "$CIRCLE_PROJECT_REPONAME/$CIRCLE_JOB/$CIRCLE_BUILD_NUM/$CIRCLE_NODE_INDEX",
     "$CIRCLE_WORKFLOW_ID", "$CIRCLE_BUILD_URL"},
    {"TEAMCITY_VERSION", "$TEAMCITY_PROJECT_NAME/$TEAMCITY_BUILDCONF_NAME/$BUILD_NUMBER", "", ""},
}};

std::string expand(std::string_view pattern, const Variable& variable) {
  static constexpr std::string_view kNameBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  std::string text;
  std::string between;
  while (!pattern.empty()) {
    if (pattern[0] != '$') {
      between += pattern[0];
      pattern.remove_prefix(1);
      continue;
    }
    pattern.remove_prefix(1);
    const std::size_t end = std::min(pattern.find_first_not_of(kNameBytes), pattern.size());
    const std::string value = variable(std::string{pattern.substr(0, end)}.c_str());
    pattern.remove_prefix(end);
    if (!value.empty()) text += (text.empty() ? "" : between) + value;
    between.clear();
  }
  return text;
}

std::string without_process(const std::string& name) {
  const std::size_t colon = name.rfind(':');
  const bool number = colon != std::string::npos && colon + 1 < name.size() &&
                      name.find_first_not_of("0123456789", colon + 1) == std::string::npos;
  return number ? name.substr(0, colon) : "";
}

}  // namespace

Asker find_asker(const Variable& variable, const std::string& host, int process) {
  for (const System& system : kSystems) {
    if (variable(system.known_by).empty()) continue;
    Asker asker{expand(system.name, variable), expand(system.url, variable),
                expand(system.run, variable)};
    if (!asker.name.empty()) return asker;
  }
  std::string user = variable("USER");
  if (user.empty()) user = variable("LOGNAME");
  if (user.empty()) user = "somebody";
  return {fmt::format("{}@{}:{}", user, host.empty() ? "localhost" : host, process), "", ""};
}

bool is_same_asker(const Asker& asker, const std::string& name, const std::string& run) {
  if (name == asker.name) return true;
  if (!asker.run.empty() && asker.run == run) return true;
  const std::string person = without_process(asker.name);
  return !person.empty() && person == without_process(name);
}

}  // namespace baton::cli
