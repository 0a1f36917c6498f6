// SPDX-License-Identifier: MIT
// The checks of what callers declare. Limits stand beside the reason for their value.
#include <utility>

#include "base/text.h"
#include "base/variable_name.h"
#include "model/problems.h"
#include "model/run.h"
#include "model/suite.h"

namespace baton::model {
namespace {

constexpr std::size_t kCaseNameMax = 1'000;  // parametrised names are long; rows must stay small
constexpr std::size_t kFilterMax = 1'000;    // bounds the automaton that RE2 builds
constexpr int kWorkersMax = 64;
constexpr int kRunningRunsMax = 10'000;

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

void check_params(Problems& problems, const std::map<std::string, std::string>& params) {
  std::map<std::string, std::string_view> variables;
  if (params.size() > kEntriesMax)
    problems.add("/params", fmt::format("has more than {}", kEntriesMax));
  for (const auto& [name, value] : params) {
    const std::string at = "/params/" + name;
    problems.take(at, check_name("a parameter", name));
    if (value.size() > kParamMax || value.find('\0') != std::string::npos || !is_valid_utf8(value))
      problems.add(at, fmt::format("must be UTF-8 text without NUL, at most {} bytes", kParamMax));
    const auto [other, is_new] = variables.emplace(variable_name("", name), name);
    if (!is_new)
      problems.add(at, fmt::format("and {} would both be the variable BATON_PARAM_{}; rename one",
                                   json_quote(other->second), other->first));
  }
}

void check_cases(Problems& problems, const Suite& suite) {
  std::map<std::string_view, bool> seen;
  for (std::size_t i = 0; i < suite.cases.size(); ++i) {
    const Case& entry = suite.cases[i];
    const std::string at = fmt::format("/cases/{}/name", i);
    problems.take(at, check_case_name(entry.name));
    if (!seen.emplace(entry.name, true).second)
      problems.add(at, fmt::format("\"{}\" is there twice", entry.name));
  }
}

}  // namespace

Result<void> check_name(std::string_view what, std::string_view name) {
  if (name.empty() || name.size() > kNameMax)
    return fail(Code::invalid, "the name of {} has {} bytes, but must have 1 to {}", what,
                name.size(), kNameMax);
  if (name[0] == '.' || name[0] == '-')
    return fail(Code::invalid, "the name of {} may not start with '{}'", what, name[0]);
  for (const char c : name)
    if (!is_name_byte(c))
      return fail_with_fix(Code::invalid, "use letters, digits, '_', '.' and '-'",
                           "the name of {} has a byte that is not allowed: {}", what,
                           json_quote(name));
  return {};
}

Result<void> check_case_name(std::string_view name) {
  if (name.empty() || name.size() > kCaseNameMax)
    return fail(Code::invalid, "the name of a test has {} bytes, but must have 1 to {}",
                name.size(), kCaseNameMax);
  if (!is_valid_utf8(name) || name.find('\0') != std::string_view::npos)
    return fail(Code::invalid, "the name of a test must be UTF-8 text without NUL: {}",
                json_quote(name));
  return {};
}

Result<void> check_suite(const Suite& suite) {
  Problems problems;
  problems.take("/namespace", check_name("a namespace", suite.namespace_));
  problems.take("/name", check_name("a suite", suite.name));
  problems.line("/owner", suite.owner);
  if (suite.description.size() > kDescriptionMax || !is_valid_utf8(suite.description))
    problems.add("/description", "must be UTF-8 text of at most 64 KiB");
  problems.labels("/labels", suite.labels);
  // An ad hoc suite may exist only for the reports that were uploaded to it.
  const bool needs_command = suite.source != SuiteSource::adhoc;
  if (needs_command && (suite.command.empty() || suite.command[0].empty()))
    problems.add("/command", "is empty: the program and its arguments are needed");
  for (const std::string& part : suite.command)
    if (part.find('\0') != std::string::npos) problems.add("/command", "holds a NUL byte");
  for (const auto& [name, value] : suite.environment_variables)
    if (name.empty() || name.find('=') != std::string::npos || has_control_bytes(name) ||
        value.find('\0') != std::string::npos)
      problems.add("/environment_variables/" + name, "is not a variable of a process");
  problems.line("/environment", suite.environment, kNameMax);
  problems.range("/workers", suite.workers, 1, kWorkersMax);
  problems.range("/max_attempts", suite.max_attempts, 1, kAttemptsMax);
  problems.range("/running_runs", suite.running_runs, 0, kRunningRunsMax);
  problems.not_negative("/back_off", suite.back_off);
  problems.not_negative("/timeout", suite.timeout);
  problems.not_negative("/attempt_timeout", suite.attempt_timeout);
  problems.not_negative("/kill_grace", suite.kill_grace);
  if (suite.log_limit < 0) problems.add("/log_limit", "is negative");
  for (std::size_t i = 0; i < suite.reports.size(); ++i)
    if (suite.reports[i].empty()) problems.add(fmt::format("/reports/{}", i), "is empty");
  for (std::size_t i = 0; i < suite.artifacts.size(); ++i)
    if (suite.artifacts[i].empty()) problems.add(fmt::format("/artifacts/{}", i), "is empty");
  check_cases(problems, suite);
  return std::move(problems).finish(fmt::format("suite {}", json_quote(suite.id())));
}

Result<void> check_run_request(const RunRequest& request) {
  Problems problems;
  if (request.suite.empty()) problems.add("/suite", "is needed");
  problems.line("/suite", request.suite);
  problems.line("/filter", request.filter, kFilterMax);
  problems.line("/environment", request.environment, kNameMax);
  problems.line("/reference", request.reference);
  problems.line("/triggered_by", request.triggered_by);
  problems.line("/revision", request.revision);
  problems.line("/branch", request.branch);
  problems.line("/traceparent", request.traceparent);
  problems.labels("/labels", request.labels);
  check_params(problems, request.params);
  if (request.max_attempts) problems.range("/max_attempts", *request.max_attempts, 1, kAttemptsMax);
  if (request.timeout) problems.not_negative("/timeout", *request.timeout);
  for (std::size_t i = 0; i < request.only.size(); ++i)
    problems.take(fmt::format("/only/{}", i), check_case_name(request.only[i]));
  return std::move(problems).finish("the run");
}

Result<void> check_artifact_path(std::string_view path) {
  const auto refuse = [&](std::string_view why) {
    return fail(Code::invalid, "the artifact path {} {}", json_quote(path), why);
  };
  if (path.empty() || path.size() > 1'000) return refuse("must have 1 to 1,000 bytes");
  if (has_control_bytes(path) || path.find('\\') != std::string_view::npos)
    return refuse("holds a control byte or a backslash");
  if (!is_valid_utf8(path)) return refuse("is not UTF-8");
  for (const std::string_view part : split(path, '/')) {
    if (part.empty()) return refuse("is absolute or has an empty part");
    if (part == "." || part == "..") return refuse("may not hold . or .. as a part");
    if (part.size() > 255) return refuse("has a part of more than 255 bytes");
  }
  return {};
}

}  // namespace baton::model
