// SPDX-License-Identifier: MIT
#pragma once
// How the tools of each kind are asked for their cases and told which to run. Nothing here starts a
// process; commands come out, and what the processes wrote goes in. Writes small files (lists of
// names) into the given scratch folder.
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/suite.h"
#include "reports/report.h"
#include "runner/process.h"

namespace baton::runner {

/// What a kind can do.
struct ToolTraits {
  bool lists = false;    // its cases are known before it runs
  bool cheap = false;    // … and asking takes milliseconds
  bool selects = false;  // it can run some of them
  /// Failures are complete in what it prints; otherwise they wait for the report.
  bool live_failures = false;
};
const ToolTraits& traits_of(model::Kind kind);

/// One process to start.
struct Step {
  std::vector<std::string> command;
  Variables environment;  // in addition
  std::string report;     // the file that it will write, "" for none
  reports::Format format = reports::Format::automatic;
};

/// How to ask for the cases; `scratch` is an empty folder that outlives the process.
Result<Step> list_step(const model::Suite& suite, const std::string& scratch);
/// The answer. cpp: use read_cpp_list. Errors: unprocessable with what the tool said.
Result<std::vector<model::Case>> read_list(const model::Suite& suite, const Step& step,
                                           const Collected& collected);
/// The suites of a cpp binary, each with the command, folder and settings of `spec` where the
/// binary says nothing.
Result<std::vector<model::Suite>> read_cpp_list(const model::Suite& spec,
                                                const Collected& collected);

/// How to run the cases `names`; empty runs all.
Result<Step> run_step(const model::Suite& suite, std::span<const std::string> names,
                      const std::string& scratch);
/// How many of the names one process can be told at once (at least 1).
std::size_t names_that_fit(model::Kind kind, std::span<const std::string> names);

/// The command itself asks for the cases that the tool calls disabled.
bool runs_disabled(const model::Suite& suite);

/// The name as the kind's own filter matches it and nothing else that it could avoid.
std::string gtest_filter_name(std::string_view name);
std::string catch2_filter_name(std::string_view name);
std::string doctest_filter_name(std::string_view name);
std::string regex_escape(std::string_view name);
/// "pkg/path.TestX/sub" → "^TestX$/^sub$".
std::string go_run_pattern(std::string_view name);
/// "[project] › file › title" → "^project file title$" as --grep sees it.
std::string playwright_grep(std::string_view name);

}  // namespace baton::runner
