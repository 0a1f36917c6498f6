// SPDX-License-Identifier: MIT
#include "runner/environment.h"

#include <unistd.h>

#include <array>
#include <string_view>

#include "runner/forest.h"
#include "suite/variable.h"

namespace baton::runner {
namespace {

// Who one is, where programs and libraries are, language and time, how to reach the network, and
// the caches of tools. Displays and agents of the person who started the server are left out.
constexpr std::array<std::string_view, 38> kAllowed = {
    "PATH",        "HOME",        "USER",        "LOGNAME",      "SHELL",      "LANG",
    "LANGUAGE",    "TZ",          "TMPDIR",      "TERM",         "LD_LIBRARY_PATH",
    "http_proxy",  "https_proxy", "no_proxy",    "all_proxy",    "HTTP_PROXY", "HTTPS_PROXY",
    "NO_PROXY",    "ALL_PROXY",   "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR",
    "GOPATH",      "GOCACHE",     "GOMODCACHE",  "GOPROXY",      "GOFLAGS",    "GOROOT",
    "NODE_PATH",   "PYTHONPATH",  "VIRTUAL_ENV", "PLAYWRIGHT_BROWSERS_PATH", "DOCKER_HOST"};
constexpr std::array<std::string_view, 4> kAllowedPrefixes = {"LC_", "ASAN_", "UBSAN_", "TSAN_"};

bool allowed(std::string_view name) {
  for (const std::string_view one : kAllowed) {
    if (name == one) return true;
  }
  for (const std::string_view prefix : kAllowedPrefixes) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace

Variables base_environment() {
  Variables variables;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    const std::string_view variable = *at;
    const std::size_t equals = variable.find('=');
    if (equals == std::string_view::npos || !allowed(variable.substr(0, equals))) continue;
    variables.emplace(variable.substr(0, equals), variable.substr(equals + 1));
  }
  variables.try_emplace("PATH", "/usr/local/bin:/usr/bin:/bin");
  return variables;
}

std::string parameter_variable(const std::string& name) {
  return suite::variable_name(suite::kParameterPrefix, name);
}

Variables test_environment(const wire::Job& job, const std::string& mark) {
  Variables variables = base_environment();
  for (const auto& [name, value] : job.suite.environment_variables) variables[name] = value;
  for (const auto& [name, value] : job.variables) variables[name] = value;
  for (const auto& [name, value] : job.request.params) variables[parameter_variable(name)] = value;
  variables["BATON_RUN"] = std::to_string(raw(job.run));
  variables["BATON_ENVIRONMENT"] = job.environment;
  if (!job.request.traceparent.empty()) variables["TRACEPARENT"] = job.request.traceparent;
  variables[kKeyVariable] = mark.substr(0, mark.find('.'));
  variables[kMarkVariable] = mark;
  return variables;
}

}  // namespace baton::runner
