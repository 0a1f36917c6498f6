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
  step.command.insert(step.command.end(), {"-r", "xml"});
  if (!names.empty()) step.command.push_back(joined(names, ",", catch2_filter_name));
}

void run_doctest(Step& step, std::span<const std::string> names) {
  step.command.push_back("-r=xml");
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
  // -s: what a test prints is seen at once; fixtures such as capsys work all the same.
  step.command.insert(step.command.end(), {"-v", "-s", "--color=no", "--junitxml=" + step.report});
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
  static const ToolTraits cpp{true, true, true, false, true};
  static const ToolTraits binary{true, true, true, true, true};
  static const ToolTraits ctest{true, true, true, true, true};
  static const ToolTraits pytest{true, false, true, true, false};
  static const ToolTraits playwright{true, false, true, true, false};
  static const ToolTraits go{true, false, true, true, true};
  static const ToolTraits tap{false, false, false, true, true};
  static const ToolTraits opaque{};
  switch (kind) {
    case Kind::cpp: return cpp;
    case Kind::gtest:
    case Kind::catch2:
    case Kind::doctest: return binary;
    case Kind::ctest: return ctest;
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

std::size_t names_that_fit(Kind kind, std::span<const std::string> names) {
  if (kind == Kind::pytest) return names.size();
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    // Escapes at most double a name; a pattern adds some characters of its own.
    bytes += 2 * names[i].size() + (kind == Kind::playwright ? 100 : 16);
    if (bytes > kArgumentMax) return std::max<std::size_t>(i, 1);
  }
  return names.size();
}

}  // namespace baton::runner
