// SPDX-License-Identifier: MIT
// baton::main: what a suite binary does with its arguments.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <baton/baton.h>

#include "base/text.h"
#include "suite/fork_server.h"
#include "suite/options.h"
#include "suite/registry.h"
#include "suite/results.h"
#include "suite/run.h"

// Provided by baton::server, when it is linked.
extern "C" __attribute__((weak)) int baton_serve_main(int argc, char** argv);
extern "C" __attribute__((weak)) int baton_runner_main(int argc, char** argv);

namespace baton::suite {
namespace {

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
      return complain(kExitUsage, {Code::invalid, fmt::format("list: unknown option {}", argument),
                                   "it takes --json only"});
  if (!arguments.empty()) {
    fmt::print("{}\n", list_json(suites));
    return kExitPassed;
  }
  for (const SuiteSpec& suite : suites) {
    fmt::print("{}\n", suite.id());
    for (const CaseSpec& test : suite.cases) fmt::print("  {}\n", test.name);
  }
  return kExitPassed;
}

int exec(const std::vector<SuiteSpec>& suites, const Arguments& arguments) {
  std::string_view name;
  int fd = -1;
  for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
    if (arguments[i] == "--suite") name = arguments[i + 1];
    if (arguments[i] == "--fd") fd = std::atoi(std::string(arguments[i + 1]).c_str());
  }
  if (name.empty() || fd < 3)
    return complain(kExitUsage, {Code::invalid, "exec is called by a runner: --suite NAME --fd N",
                                 "to run the tests yourself: run"});
  const auto suite = find_suite(suites, name);
  if (!suite) return complain(kExitUsage, suite.error());
  return run_fork_server(**suite, fd);
}

int run(const std::vector<SuiteSpec>& suites, const Arguments& arguments) {
  auto options = parse_run_options(arguments);
  if (!options) return complain(kExitUsage, options.error());
  const auto code = run_headless(suites, std::move(*options));
  if (code) return *code;
  return complain(code.error().code == Code::unavailable ? kExitError : kExitUsage, code.error());
}

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

int serve(int argc, char** argv) {
  if (baton_serve_main) return baton_serve_main(argc, argv);
  return complain(kExitUsage, {Code::invalid, "this program cannot serve: it has no server in it",
                               "link it with baton::server, or run it from a server's baton.yaml"});
}

int unknown_verb(std::string_view verb) {
  const std::string near = nearest(verb, {"run", "list", "exec", "serve"});
  return complain(kExitUsage, {Code::invalid, fmt::format("unknown command {}", verb),
                               near.empty() ? "see --help" : "did you mean " + near + "?"});
}

int dispatch(int argc, char** argv) {
  Arguments arguments(argv + std::min(argc, 1), argv + argc);
  const auto has = [&](std::string_view flag) {
    return std::find(arguments.begin(), arguments.end(), flag) != arguments.end();
  };
  std::string_view verb = "run";
  if (!arguments.empty() && !arguments[0].starts_with('-')) {
    verb = arguments[0];
    arguments.erase(arguments.begin());
  }
  // The server's verbs parse their own arguments, and do their own checking of the suites.
  if (verb == "__runner" && baton_runner_main) return baton_runner_main(argc, argv);
  if (verb == "serve") return serve(argc, argv);
  if (verb != "run" && verb != "list" && verb != "exec" && verb != "help" && verb != "version")
    return unknown_verb(verb);
  if (verb == "help" || has("--help") || has("-h")) {
    fmt::print("{}", help_text(base_name(argc > 0 ? argv[0] : "suite")));
    return kExitPassed;
  }
  if (verb == "version" || has("--version")) {
    fmt::print("baton {} (suite protocol {})\n", BATON_VERSION, kProtocol);
    return kExitPassed;
  }
  const auto suites = global_registry().resolve();
  if (!suites) return complain(kExitUsage, suites.error());
  if (verb == "list") return list(*suites, arguments);
  return verb == "exec" ? exec(*suites, arguments) : run(*suites, arguments);
}

std::atomic<int> final_code{0};
std::atomic<std::terminate_handler> users_handler{nullptr};

// A static std::thread that nobody joined calls std::terminate() when it is destroyed, after all
// tests have ended: their verdict stands, and so does the list that was printed.
[[noreturn]] void on_terminate_at_exit() {
  const std::terminate_handler handler = users_handler;
  if (std::current_exception() && handler != nullptr) handler();
  std::fflush(stdout);
  fmt::print(stderr,
             "baton: the program's end: std::terminate was called, most likely by a thread of a "
             "static object that was not joined; what the tests said stands\n"
             "fix: join it in a destructor, or make the object with `new` and leave it\n");
  std::fflush(nullptr);
  ::_exit(final_code);
}

void survive_static_threads(int code) {
  final_code = code;
  users_handler = std::set_terminate(on_terminate_at_exit);
}

}  // namespace
}  // namespace baton::suite

namespace baton {

int main(int argc, char** argv) {
  const int code = suite::dispatch(argc, argv);
  suite::survive_static_threads(code);
  return code;
}

}  // namespace baton
