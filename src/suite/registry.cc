// SPDX-License-Identifier: MIT
#include "suite/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/text.h"
#include "suite/json.h"

namespace baton::suite {
namespace {

// A test's name is a path part and a line of a report: longer parameters are cut to their number.
constexpr std::size_t kParameterNameMax = 100;
constexpr std::size_t kNameMax = 100;

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > kNameMax || name[0] == '.' || name[0] == '-') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

std::string where(const std::string& file, int line) { return fmt::format("{}:{}", file, line); }

// The suite that a test in `file` means: that of its own file, or the only one of the name.
SuiteSpec* suite_for(std::vector<SuiteSpec>& suites, std::string_view name, std::string_view file,
                     int& candidates) {
  SuiteSpec* found = nullptr;
  candidates = 0;
  for (SuiteSpec& suite : suites) {
    if (suite.name != name) continue;
    ++candidates;
    if (!found || suite.file == file) found = &suite;
  }
  if (candidates > 1 && found->file != file) return nullptr;
  return found;
}

bool in_range(std::int64_t value, std::int64_t low, std::int64_t high) {
  return value >= low && value <= high;
}

}  // namespace

struct Registry::Problems {
  std::vector<std::string> lines;
  std::unordered_map<std::string, std::string> places;  // suite and test -> where it is defined
  template <class... Args>
  void add(fmt::format_string<Args...> text, Args&&... args) {
    lines.push_back(fmt::format(text, std::forward<Args>(args)...));
  }
};

void Registry::add_suite(SuiteSpec suite) { suites_.push_back(std::move(suite)); }

void Registry::add_setup(std::string suite, detail::Here here, detail::Body body) {
  pieces_.push_back(
      {std::move(suite), Role::setup, {.file = here.file, .line = here.line, .body = body}});
}

void Registry::add_teardown(std::string suite, detail::Here here, detail::Body body) {
  pieces_.push_back(
      {std::move(suite), Role::teardown, {.file = here.file, .line = here.line, .body = body}});
}

void Registry::add_case(std::string suite, CaseSpec test) {
  pieces_.push_back({std::move(suite), Role::test, std::move(test)});
}

void Registry::add_parameter_case(std::string suite, CaseSpec test, std::size_t index) {
  const std::string& text = test.parameter_text;
  const bool readable = !text.empty() && text.size() <= kParameterNameMax &&
                        !has_control_bytes(text) && is_valid_utf8(text);
  test.name += readable ? "/" + text : fmt::format("/{}", index);
  pieces_.push_back({std::move(suite), Role::test, std::move(test), index});
}

void Registry::add_piece(std::vector<SuiteSpec>& suites, const Piece& piece,
                         Problems& problems) const {
  const CaseSpec& test = piece.test;
  int candidates = 0;
  SuiteSpec* const suite = suite_for(suites, piece.suite, test.file, candidates);
  const std::string what = piece.role == Role::test    ? fmt::format("test \"{}\"", test.name)
                           : piece.role == Role::setup ? "BATON_SETUP"
                                                       : "BATON_TEARDOWN";
  if (!suite) {
    problems.add("{}: {} belongs to the suite \"{}\", {}", where(test.file, test.line), what,
                 piece.suite,
                 candidates == 0 ? "which no BATON_SUITE defines"
                                 : "which is defined in several namespaces; put it in one's file");
    return;
  }
  if (piece.role != Role::test) {
    detail::Body& slot = piece.role == Role::setup ? suite->setup : suite->teardown;
    if (slot)
      problems.add("{}: the suite \"{}\" has a second {}", where(test.file, test.line), suite->id(),
                   what);
    slot = test.body;
    return;
  }
  const auto [first, is_new] =
      problems.places.emplace(suite->id() + "\n" + test.name, where(test.file, test.line));
  if (!is_new)
    problems.add("{}: the suite \"{}\" has a second {}; the first is at {}",
                 where(test.file, test.line), suite->id(), what, first->second);
  if (test.max_attempts != 0 && !in_range(test.max_attempts, 1, 100))
    problems.add("{}: {}: max_attempts is {}, but must be 1 to 100", where(test.file, test.line),
                 what, test.max_attempts);
  suite->cases.push_back(test);
}

Result<std::vector<SuiteSpec>> Registry::resolve() const {
  Problems problems;
  std::vector<SuiteSpec> suites;
  for (const SuiteSpec& suite : suites_) {
    const std::string at = where(suite.file, suite.line);
    for (const SuiteSpec& other : suites)
      if (other.id() == suite.id())
        problems.add("{}: a second suite \"{}\"; the first is at {}", at, suite.id(),
                     where(other.file, other.line));
    if (!is_name(suite.name) || !is_name(suite.namespace_))
      problems.add("{}: the suite \"{}\" needs a name and a namespace of letters, digits and _-.",
                   at, suite.id());
    if (!in_range(suite.max_attempts, 1, 100))
      problems.add("{}: the suite \"{}\" has max_attempts {}, but must have 1 to 100", at,
                   suite.id(), suite.max_attempts);
    if (!in_range(suite.workers, 1, 64))
      problems.add("{}: the suite \"{}\" has {} workers, but must have 1 to 64", at, suite.id(),
                   suite.workers);
    if (std::min({suite.timeout_ms, suite.attempt_timeout_ms, suite.back_off_ms}) < 0)
      problems.add("{}: the suite \"{}\" has a negative time-out or back-off", at, suite.id());
    suites.push_back(suite);
  }
  for (const Piece& piece : pieces_) add_piece(suites, piece, problems);
  for (const SuiteSpec& suite : suites)
    if (suite.cases.empty())
      problems.add("{}: the suite \"{}\" has no tests", where(suite.file, suite.line), suite.id());
  if (suites.empty() && problems.lines.empty())
    problems.add("this program defines no suite; are the files with BATON_SUITE linked?");
  if (problems.lines.empty()) return suites;
  return tl::unexpected(Error{Code::invalid, fmt::format("{}", fmt::join(problems.lines, "\n")),
                              "correct the declarations and build the program again"});
}

Registry& global_registry() {
  static Registry registry;
  return registry;
}

Result<const SuiteSpec*> find_suite(const std::vector<SuiteSpec>& suites, std::string_view name) {
  const SuiteSpec* found = nullptr;
  std::vector<std::string> known;
  for (const SuiteSpec& suite : suites) {
    known.insert(known.end(), {suite.id(), suite.name});
    if (suite.id() == name) return &suite;
    if (suite.name != name) continue;
    if (found)
      return fail_with_fix(Code::conflict, "name the namespace too", "\"{}\" is {} and {}", name,
                           found->id(), suite.id());
    found = &suite;
  }
  if (found) return found;
  const std::string near = nearest(name, known);
  return fail_with_fix(Code::not_found,
                       near.empty() ? "see them with `list`" : "did you mean " + near + "?",
                       "this program has no suite \"{}\"", name);
}

std::string list_json(const std::vector<SuiteSpec>& suites) {
  std::vector<std::string> listed;
  for (const SuiteSpec& suite : suites) {
    std::vector<std::string> cases;
    for (const CaseSpec& test : suite.cases) {
      JsonObject object;
      object.text("name", test.name).text("description", test.description);
      object.text("file", test.file).number("line", test.line);
      object.raw("labels", json_texts(test.labels));
      if (test.max_attempts > 0) object.number("max_attempts", test.max_attempts);
      if (test.timeout_ms > 0) object.number("timeout_ms", test.timeout_ms);
      cases.push_back(object.str());
    }
    JsonObject object;
    object.text("namespace", suite.namespace_).text("name", suite.name);
    object.text("description", suite.description).text("owner", suite.owner);
    object.raw("labels", json_texts(suite.labels)).text("environment", suite.environment);
    object.number("max_attempts", suite.max_attempts).number("back_off_ms", suite.back_off_ms);
    object.number("timeout_ms", suite.timeout_ms);
    object.number("attempt_timeout_ms", suite.attempt_timeout_ms);
    object.number("workers", suite.workers).raw("cases", json_array(cases));
    listed.push_back(object.str());
  }
  return JsonObject().number("protocol", 1).raw("suites", json_array(listed)).str();
}

}  // namespace baton::suite
