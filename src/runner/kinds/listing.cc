// SPDX-License-Identifier: MIT
// How each tool is asked for its cases, and what its answer means.
#include <sys/wait.h>

#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "reports/listing.h"
#include "runner/kinds/tool.h"
#include "runner/proc.h"
#include "wire/fields.h"
#include "wire/job.h"

namespace baton::runner {
namespace {

using model::Kind;

constexpr std::uint64_t kListMax = 64 << 20;

// The last lines of what the tool said, for a message.
std::string end_of(const Collected& collected) {
  std::string_view text = trim(collected.errors.empty() ? collected.output : collected.errors);
  constexpr std::size_t kKept = 2'000;
  if (text.size() > kKept) text.remove_prefix(text.size() - kKept);
  return to_valid_utf8(text);
}

tl::unexpected<Error> cannot_list(const model::Suite& suite, const Collected& collected,
                                  std::string_view why) {
  const std::string said = end_of(collected);
  return fail_with_fix(Code::unprocessable,
                       "run the command by hand and compare with the suite's kind",
                       "listing the cases of {} ({}): {}{}{}", suite.command[0],
                       name_of(suite.kind), why, said.empty() ? "" : ":\n", said);
}

tl::unexpected<Error> too_slow(const model::Suite& suite, const Collected& collected) {
  const std::string said = end_of(collected);
  return fail_with_fix(Code::unprocessable,
                       "run the command by hand and see what it waits for; a suite that needs "
                       "longer to list its cases states it as attempt_timeout",
                       "listing the cases of {} ({}) was not done within {} s{}{}",
                       suite.command[0], name_of(suite.kind), collected.limit_ms / 1000.0,
                       said.empty() ? "" : ":\n", said);
}

// Exit codes that say nothing bad about a listing.
bool listing_exit_ok(Kind kind, int status) {
  if (!WIFEXITED(status)) return false;
  const int code = WEXITSTATUS(status);
  if (kind == Kind::catch2) return true;           // the number of tests
  if (kind == Kind::pytest) return code == 0 || code == 5;  // 5: nothing collected
  return code == 0;
}

// Relative commands of a binary's suites stay those of the declaration.
model::Suite cpp_suite(const model::Suite& spec, wire::Fields& in) {
  model::Suite suite = spec;
  suite.namespace_ = in.has("namespace") ? in.text("namespace") : spec.namespace_;
  suite.name = in.text("name");
  if (in.has("description")) suite.description = in.text("description");
  if (in.has("owner")) suite.owner = in.text("owner");
  for (auto& [key, value] : in.texts("labels")) suite.labels[key] = value;
  if (in.has("environment")) suite.environment = in.text("environment");
  if (in.has("max_attempts")) suite.max_attempts = in.small("max_attempts", suite.max_attempts);
  if (in.has("back_off_ms")) suite.back_off = in.duration("back_off_ms");
  if (in.has("timeout_ms")) suite.timeout = in.duration("timeout_ms");
  if (in.has("attempt_timeout_ms")) suite.attempt_timeout = in.duration("attempt_timeout_ms");
  if (in.has("workers")) suite.workers = in.small("workers", suite.workers);
  suite.cases.clear();
  const boost::json::array* cases = in.array("cases");
  if (cases == nullptr) return suite;
  for (const boost::json::value& item : *cases) {
    if (!item.is_object()) continue;
    wire::Fields fields(item.get_object(), "case");
    model::Case& added = suite.cases.emplace_back();
    added.name = fields.text("name");
    added.description = fields.text("description");
    added.file = fields.text("file");
    added.line = fields.small("line");
    added.labels = fields.texts("labels");
    if (fields.has("max_attempts")) added.max_attempts = fields.small("max_attempts");
    if (fields.has("timeout_ms")) added.timeout = fields.duration("timeout_ms");
    if (auto checked = fields.check(); !checked) in.refuse(checked.error().message);
  }
  return suite;
}

}  // namespace

Result<Step> list_step(const model::Suite& suite, const std::string& scratch) {
  Step step;
  step.command = suite.command;
  auto& command = step.command;
  switch (suite.kind) {
    case Kind::cpp: command.insert(command.end(), {"list", "--json"}); break;
    case Kind::gtest:
      step.report = scratch + "/list.json";
      command.insert(command.end(), {"--gtest_list_tests", "--gtest_output=json:" + step.report});
      break;
    case Kind::catch2: command.push_back("--list-test-names-only"); break;
    case Kind::doctest: command.insert(command.end(), {"-ltc", "-r=xml"}); break;
    case Kind::ctest: command.push_back("--show-only=json-v1"); break;
    case Kind::pytest:
      command.insert(command.end(), {"--collect-only", "--verbosity=-1", "--color=no"});
      break;
    case Kind::playwright:
      command.insert(command.end(), {"--list", "--reporter=json"});
      break;
    case Kind::go: {
      const auto test = std::find(command.begin(), command.end(), "test");
      command.insert(test == command.end() ? test : test + 1, {"-json", "-list=."});
      break;
    }
    case Kind::tap:
    case Kind::junit:
    case Kind::command: return fail(Code::internal, "{} suites have no list", name_of(suite.kind));
  }
  return step;
}

Result<std::vector<model::Case>> read_list(const model::Suite& suite, const Step& step,
                                           const Collected& collected) {
  if (collected.timed_out) return too_slow(suite, collected);
  if (!listing_exit_ok(suite.kind, collected.status)) {
    return cannot_list(suite, collected, describe_status(collected.status));
  }
  reports::Listing cases;
  switch (suite.kind) {
    case Kind::gtest: {
      // The file knows lines; a wrapper may not hand the option on.
      const auto file = read_file(step.report, kListMax);
      cases = file ? reports::list_gtest_json(*file) : reports::list_gtest(collected.output);
      break;
    }
    case Kind::catch2: cases = reports::list_catch2(collected.output); break;
    case Kind::doctest: cases = reports::list_doctest(collected.output); break;
    case Kind::ctest: cases = reports::list_ctest(collected.output); break;
    case Kind::pytest: cases = reports::list_pytest(collected.output); break;
    case Kind::playwright: cases = reports::list_playwright(collected.output); break;
    case Kind::go: cases = reports::list_go(collected.output); break;
    case Kind::cpp: {
      BATON_TRY(suites, read_cpp_list(suite, collected));
      for (model::Suite& found : suites) {
        if (found.id() == suite.id() || (wire::is_adhoc(suite) && found.name == suite.name)) {
          return std::move(found.cases);
        }
      }
      return cannot_list(suite, collected, fmt::format("the program has no suite {}", suite.id()));
    }
    case Kind::tap:
    case Kind::junit:
    case Kind::command: return fail(Code::internal, "{} suites have no list", name_of(suite.kind));
  }
  if (!cases) return cannot_list(suite, collected, cases.error().message);
  return std::move(*cases);
}

Result<std::vector<model::Suite>> read_cpp_list(const model::Suite& spec,
                                                const Collected& collected) {
  if (collected.timed_out) return too_slow(spec, collected);
  if (!listing_exit_ok(spec.kind, collected.status)) {
    return cannot_list(spec, collected, describe_status(collected.status));
  }
  auto object = wire::parse_object(collected.output, "list");
  if (!object) return cannot_list(spec, collected, object.error().message);
  wire::Fields in(*object, "list");
  if (in.integer("protocol") != 1) return cannot_list(spec, collected, "another protocol than 1");
  std::vector<model::Suite> suites;
  if (const boost::json::array* items = in.array("suites")) {
    for (const boost::json::value& item : *items) {
      if (!item.is_object()) continue;
      wire::Fields fields(item.get_object(), "suite");
      suites.push_back(cpp_suite(spec, fields));
      if (auto checked = fields.check(); !checked) in.refuse(checked.error().message);
    }
  }
  if (auto checked = in.check(); !checked)
    return cannot_list(spec, collected, checked.error().message);
  return suites;
}

}  // namespace baton::runner
