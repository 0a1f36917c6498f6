// SPDX-License-Identifier: MIT
#include "suite/options.h"

#include <fmt/format.h>

#include <charconv>
#include <functional>

#include "base/text.h"
#include "base/time.h"

namespace baton::suite {
namespace {

using Value = std::string_view;
using Set = std::function<Result<void>(RunOptions&, Value)>;

struct Option {
  std::string_view name;
  std::string_view value;  // its name in the help; "" = a switch
  std::string_view help;
  Set set;
};

template <class T>
Result<T> read_number(Value text, T low, T high) {
  T number{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || number < low ||
      number > high)
    return baton::fail(Code::invalid, "\"{}\" is not a number from {} to {}", text, low, high);
  return number;
}

template <class T, class Member>
Set number(Member member, T low, T high) {
  return [=](RunOptions& options, Value text) -> Result<void> {
    BATON_TRY(value, read_number<T>(text, low, high));
    options.*member = value;
    return {};
  };
}

Set text(std::string RunOptions::*member) {
  return [=](RunOptions& options, Value value) -> Result<void> {
    options.*member = value;
    return {};
  };
}

Set flag(bool RunOptions::*member, bool value = true) {
  return [=](RunOptions& options, Value) -> Result<void> {
    options.*member = value;
    return {};
  };
}

Result<void> set_param(RunOptions& options, Value value) {
  const std::size_t equals = value.find('=');
  if (equals == 0 || equals == Value::npos)
    return baton::fail(Code::invalid, "\"{}\" is not KEY=VALUE", value);
  options.params.emplace_back(value.substr(0, equals), value.substr(equals + 1));
  return {};
}

Result<void> set_timeout(RunOptions& options, Value value) {
  BATON_TRY(duration, parse_duration(value));
  options.timeout_ms = duration.count();
  return {};
}

Result<void> set_output(RunOptions& options, Value value) {
  if (value != "text" && value != "json")
    return baton::fail(Code::invalid, "\"{}\" is neither text nor json", value);
  options.json = value == "json";
  return {};
}

Result<void> add_suite(RunOptions& options, Value value) {
  options.suites.emplace_back(value);
  return {};
}

const std::vector<Option>& table() {
  constexpr int kMany = 1'000'000;
  static const std::vector<Option> options = {
      {"--filter", "RE", "only tests whose name matches (RE2, unanchored)",
       text(&RunOptions::filter)},
      {"--suite", "NAME", "only this suite; may be repeated", add_suite},
      {"--list", "", "print the selected tests and run nothing", flag(&RunOptions::list)},
      {"--workers", "N", "attempts in flight, instead of the suite's own number",
       number<int>(&RunOptions::workers, 1, 64)},
      {"--max-attempts", "N", "tries per test, instead of the suite's own number",
       number<int>(&RunOptions::max_attempts, 1, 100)},
      {"--timeout", "D", "of each suite's run, such as 90s or 10m", set_timeout},
      {"--shuffle", "", "run in random order; the seed is printed", flag(&RunOptions::shuffle)},
      {"--seed", "N", "shuffle with this seed",
       number<std::uint64_t>(&RunOptions::seed, 0, ~std::uint64_t{0})},
      {"--repeat", "N", "run everything N times", number<int>(&RunOptions::repeat, 1, kMany)},
      {"--env", "NAME", "the environment's name, for T::environment()",
       text(&RunOptions::environment)},
      {"--param", "K=V", "a parameter, for T::param(); may be repeated", set_param},
      {"--junit", "FILE", "write a JUnit file with every attempt", text(&RunOptions::junit)},
      {"--artifacts", "DIR", "keep the artifacts of the tests in this folder",
       text(&RunOptions::artifacts)},
      {"--output", "text|json", "what is printed on standard output", set_output},
      {"--fail-on-flaky", "", "exit with 12 when a test passed only on a retry",
       flag(&RunOptions::fail_on_flaky)},
      {"--allow-empty", "", "no selected test is not an error", flag(&RunOptions::allow_empty)},
      {"--verbose", "", "print the output of tests that passed, too", flag(&RunOptions::verbose)},
      {"--no-color", "", "plain text (so does NO_COLOR)", flag(&RunOptions::color, false)},
  };
  return options;
}

tl::unexpected<Error> unknown(Value name) {
  std::vector<std::string> known;
  for (const Option& option : table()) known.emplace_back(option.name);
  const std::string near = nearest(name, known);
  return fail_with_fix(Code::invalid, near.empty() ? "see --help" : "did you mean " + near + "?",
                       "unknown argument {}", name);
}

}  // namespace

Result<RunOptions> parse_run_options(const std::vector<Value>& arguments) {
  RunOptions options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Value argument = arguments[i];
    const std::size_t equals = argument.find('=');
    const Value name = argument == "-v" ? Value("--verbose") : argument.substr(0, equals);
    const Option* found = nullptr;
    for (const Option& option : table())
      if (option.name == name) found = &option;
    if (!found) return unknown(argument);
    Value value;
    if (found->value.empty()) {
      if (equals != Value::npos)
        return fail_with_fix(Code::invalid, "see --help", "{} takes no value", name);
    } else if (equals != Value::npos) {
      value = argument.substr(equals + 1);
    } else if (++i < arguments.size()) {
      value = arguments[i];
    } else {
      return fail_with_fix(Code::invalid, fmt::format("write {} {}", name, found->value),
                           "{} needs a value", name);
    }
    if (auto set = found->set(options, value); !set) {
      Error error = std::move(set).error();
      error.message = fmt::format("{}: {}", name, error.message);
      if (error.fix.empty()) error.fix = fmt::format("write {} {}", name, found->value);
      return tl::unexpected(std::move(error));
    }
  }
  return options;
}

std::string help_text(std::string_view program) {
  std::string out = fmt::format(
      "{0}: a Baton test suite\n\n"
      "  {0} [run] [options]   run the tests, each attempt in a process of its own\n"
      "  {0} list [--json]     print suites and tests\n"
      "  {0} serve …           run as a server, when it is linked with baton::server\n"
      "  {0} --version\n\nOptions of run:\n",
      program);
  for (const Option& option : table())
    out +=
        fmt::format("  {:<22} {}\n", fmt::format("{} {}", option.name, option.value), option.help);
  out +=
      "\nExit codes: 0 passed · 2 usage · 5 no test selected · 10 tests failed · 11 errored ·\n"
      "12 flaky (--fail-on-flaky) · 124 time-out of the run · 130, 143 interrupted\n";
  return out;
}

}  // namespace baton::suite
