// SPDX-License-Identifier: MIT
// baton::main: what a suite binary does with its arguments.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <baton/baton.h>

#include "suite/fork_server.h"
#include "suite/registry.h"

// Provided by baton::server, when it is linked.
extern "C" __attribute__((weak)) int baton_serve_main(int argc, char** argv);
extern "C" __attribute__((weak)) int baton_runner_main(int argc, char** argv);

namespace baton::suite {
namespace {

constexpr int kOk = 0;
constexpr int kError = 1;
constexpr int kUsage = 2;

using Arguments = std::vector<std::string_view>;

int complain(int code, const Error& error) {
  std::fflush(stdout);
  for (std::string_view rest = error.message; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    fmt::print(stderr, "baton: {}\n", line);
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  if (!error.fix.empty()) fmt::print(stderr, "fix: {}\n", error.fix);
  return code;
}

int list(const std::vector<SuiteSpec>& suites, const Arguments& arguments) {
  for (const std::string_view argument : arguments)
    if (argument != "--json")
      return complain(kUsage, {Code::invalid, fmt::format("list: unknown option {}", argument),
                               "it takes --json only"});
  if (!arguments.empty()) {
    fmt::print("{}\n", list_json(suites));
    return kOk;
  }
  for (const SuiteSpec& suite : suites) {
    fmt::print("{}\n", suite.id());
    for (const CaseSpec& test : suite.cases) fmt::print("  {}\n", test.name);
  }
  return kOk;
}

int exec(const std::vector<SuiteSpec>& suites, const Arguments& arguments) {
  std::string_view name;
  int fd = -1;
  for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
    if (arguments[i] == "--suite") name = arguments[i + 1];
    if (arguments[i] == "--fd") fd = std::atoi(std::string(arguments[i + 1]).c_str());
  }
  if (name.empty() || fd < 3)
    return complain(kUsage, {Code::invalid, "exec is called by a runner: --suite NAME --fd N"});
  const auto suite = find_suite(suites, name);
  if (!suite) return complain(kUsage, suite.error());
  return run_fork_server(**suite, fd);
}

}  // namespace

int dispatch(int argc, char** argv) {
  Arguments arguments(argv + 1, argv + argc);
  std::string_view verb = "run";
  if (!arguments.empty() && !arguments[0].starts_with('-')) {
    verb = arguments[0];
    arguments.erase(arguments.begin());
  }
  if (verb == "__runner" && baton_runner_main) return baton_runner_main(argc, argv);
  const auto suites = global_registry().resolve();
  if (!suites) return complain(kUsage, suites.error());
  if (verb == "list") return list(*suites, arguments);
  if (verb == "exec") return exec(*suites, arguments);
  return kError;
}

}  // namespace baton::suite

namespace baton {

int main(int argc, char** argv) { return suite::dispatch(argc, argv); }

}  // namespace baton
