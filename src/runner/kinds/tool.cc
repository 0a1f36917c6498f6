// SPDX-License-Identifier: MIT
// How each tool is told to run: its reporter, its report file, its selection.
#include "runner/kinds/tool.h"

#include <algorithm>

#include "base/file.h"
#include "runner/environment.h"

namespace baton::runner {
namespace {

using model::Kind;

// Linux takes 128 KiB per argument; the environment and the rest have room beside it.
constexpr std::size_t kArgumentMax = 100 << 10;
// CMake compiles the pattern into a program whose jumps are 16 bits wide, at a few bytes for each
// character, and refuses a larger one.
constexpr std::size_t kCtestPatternMax = 16 << 10;

// Filters by node id after collection, so that every other argument of the user's command (paths,
// -k, -m, plugins) keeps its meaning, and any number of names fits.
constexpr std::string_view kPytestPlugin = R"(import os

def pytest_collection_modifyitems(config, items):
    with open(os.environ["BATON_PYTEST_SELECTION"], encoding="utf-8") as names:
        wanted = {line.rstrip("\n") for line in names}
    kept = [item for item in items if item.nodeid in wanted]
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in wanted])
    items[:] = kept
)";

std::string joined(std::span<const std::string> names, std::string_view between,
                   std::string (*escape)(std::string_view)) {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += between;
    out += escape(name);
  }
  return out;
}

std::string lines_of(std::span<const std::string> names) {
  std::string out;
  for (const std::string& name : names) out += name + "\n";
  return out;
}

void run_gtest(Step& step, std::span<const std::string> names, const std::string& scratch) {
  step.report = scratch + "/report.json";
  step.format = reports::Format::gtest;
  step.command.push_back("--gtest_output=json:" + step.report);
  step.command.push_back("--gtest_color=no");
  if (!names.empty()) {
    step.command.push_back("--gtest_filter=" + joined(names, ":", gtest_filter_name));
  }
}

void run_catch2(Step& step, std::span<const std::string> names) {
  step.command.insert(step.command.end(), {"-r", "xml", "-d", "yes"});
  if (!names.empty()) step.command.push_back(joined(names, ",", catch2_filter_name));
}

void run_doctest(Step& step, std::span<const std::string> names) {
  step.command.insert(step.command.end(), {"-r=xml", "-d=true"});
  if (!names.empty()) {
    step.command.push_back("-cs=true");
    step.command.push_back("-tc=" + joined(names, ",", doctest_filter_name));
  }
}

void run_ctest(Step& step, std::span<const std::string> names, const std::string& scratch) {
  step.report = scratch + "/report.xml";
  step.format = reports::Format::junit;
  step.command.insert(step.command.end(), {"-V", "--output-junit", step.report});
  if (names.empty()) return;
  step.command.insert(step.command.end(),
                      {"-R", "^(" + joined(names, "|", regex_escape) + ")$"});
}

Result<void> run_pytest(const model::Suite& suite, Step& step, std::span<const std::string> names,
                        const std::string& scratch) {
  step.report = scratch + "/report.xml";
  step.format = reports::Format::junit;
  // -s: what a test prints is seen at once; fixtures such as capsys work all the same. The
  // verbosity as a number, as -q and -v would add to the user's; xunit1 has the node ids.
  step.command.insert(step.command.end(), {"--verbosity=1", "-s", "--color=no", "-o",
                                           "junit_family=xunit1", "--junitxml=" + step.report});
  if (names.empty()) return {};
  BATON_TRY_VOID(replace_file(scratch + "/baton_selection.py", kPytestPlugin));
  BATON_TRY_VOID(replace_file(scratch + "/selection.txt", lines_of(names)));
  step.command.insert(step.command.end(), {"-p", "baton_selection"});
  step.environment["BATON_PYTEST_SELECTION"] = scratch + "/selection.txt";
  const auto declared = suite.environment_variables.find("PYTHONPATH");
  std::string path = declared != suite.environment_variables.end() ? declared->second : "";
  if (const Variables base = base_environment(); path.empty() && base.contains("PYTHONPATH")) {
    path = base.at("PYTHONPATH");
  }
  step.environment["PYTHONPATH"] = path.empty() ? scratch : scratch + ":" + path;
  return {};
}

void run_playwright(Step& step, std::span<const std::string> names, const std::string& scratch) {
  step.report = scratch + "/report.json";
  step.format = reports::Format::playwright;
  step.command.push_back("--reporter=list,json");
  step.environment["PLAYWRIGHT_JSON_OUTPUT_NAME"] = step.report;
  step.environment["PLAYWRIGHT_JSON_OUTPUT_FILE"] = step.report;
  step.environment["FORCE_COLOR"] = "0";
  if (!names.empty()) {
    step.command.insert(step.command.end(), {"--grep", joined(names, "|", playwright_grep)});
  }
}

void run_go(Step& step, std::span<const std::string> names) {
  // Behind `go test`, before packages and -args. -count=1: a cached result is not a run.
  const auto test = std::find(step.command.begin(), step.command.end(), "test");
  const auto at = test == step.command.end() ? step.command.end() : test + 1;
  std::vector<std::string> flags = {"-json", "-count=1"};
  if (!names.empty()) {
    std::string pattern;
    for (const std::string& name : names) {
      std::string one = go_run_pattern(name);
      if (!pattern.empty()) pattern += '|';
      // Alternatives within ^( )$ would bind wrongly across '/': each is anchored by itself.
      pattern += one;
    }
    flags.push_back("-run=" + pattern);
  }
  step.command.insert(at, flags.begin(), flags.end());
}

}  // namespace

const ToolTraits& traits_of(Kind kind) {
  static const ToolTraits cpp{true, true, true, true};
  static const ToolTraits binary{true, true, true, true};
  static const ToolTraits pytest{true, false, true, false};
  static const ToolTraits playwright{true, false, true, false};
  static const ToolTraits go{true, false, true, true};
  static const ToolTraits tap{false, false, false, true};
  static const ToolTraits opaque{};
  switch (kind) {
    case Kind::cpp: return cpp;
    case Kind::gtest:
    case Kind::catch2:
    case Kind::doctest:
    case Kind::ctest: return binary;
    case Kind::pytest: return pytest;
    case Kind::playwright: return playwright;
    case Kind::go: return go;
    case Kind::tap: return tap;
    case Kind::junit:
    case Kind::command: break;
  }
  return opaque;
}

Result<Step> run_step(const model::Suite& suite, std::span<const std::string> names,
                      const std::string& scratch) {
  Step step;
  step.command = suite.command;
  switch (suite.kind) {
    case Kind::gtest: run_gtest(step, names, scratch); break;
    case Kind::catch2: run_catch2(step, names); break;
    case Kind::doctest: run_doctest(step, names); break;
    case Kind::ctest: run_ctest(step, names, scratch); break;
    case Kind::pytest: BATON_TRY_VOID(run_pytest(suite, step, names, scratch)); break;
    case Kind::playwright: run_playwright(step, names, scratch); break;
    case Kind::go: run_go(step, names); break;
    case Kind::tap:
    case Kind::junit:
    case Kind::command: break;
    case Kind::cpp: return fail(Code::internal, "a cpp suite is run by its fork server");
  }
  return step;
}

bool runs_disabled(const model::Suite& suite) {
  const auto given = [&suite](std::initializer_list<std::string_view> options) {
    return std::any_of(suite.command.begin(), suite.command.end(), [&](const std::string& word) {
      return std::find(options.begin(), options.end(), word) != options.end();
    });
  };
  if (suite.kind == Kind::gtest) {
    const auto variable = suite.environment_variables.find("GTEST_ALSO_RUN_DISABLED_TESTS");
    const bool set = variable != suite.environment_variables.end() && variable->second != "0";
    return set || given({"--gtest_also_run_disabled_tests", "--gtest_also_run_disabled_tests=1",
                         "--gtest_also_run_disabled_tests=true"});
  }
  return suite.kind == Kind::doctest && given({"-ns", "--no-skip", "-ns=true", "--no-skip=true",
                                               "-ns=1", "--no-skip=1"});
}

std::size_t names_that_fit(Kind kind, std::span<const std::string> names) {
  if (kind == Kind::pytest) return names.size();
  const std::size_t max = kind == Kind::ctest ? kCtestPatternMax : kArgumentMax;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    // Escapes at most double a name; a pattern adds some characters of its own.
    bytes += 2 * names[i].size() + (kind == Kind::playwright ? 100 : 16);
    if (bytes > max) return std::max<std::size_t>(i, 1);
  }
  return names.size();
}

}  // namespace baton::runner
