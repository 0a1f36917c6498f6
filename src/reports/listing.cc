// SPDX-License-Identifier: MIT
#include "reports/listing.h"

#include <array>

#include "base/text.h"
#include "reports/collector.h"
#include "reports/json_reader.h"
#include "reports/kept_text.h"
#include "reports/limits.h"
#include "reports/line_parser.h"
#include "reports/playwright.h"
#include "reports/xml_reader.h"

namespace baton::reports {
namespace {

using Cases = std::vector<model::Case>;

model::Case named(std::string_view name) {
  model::Case item;
  item.name = clean_name(name);
  return item;
}

// "Suite/DISABLED_Name" and "DISABLED_Name" are not run unless asked for.
bool is_disabled(std::string_view name) {
  constexpr std::string_view mark = "DISABLED_";
  const auto slash = name.rfind('/');
  return name.substr(0, mark.size()) == mark ||
         (slash != std::string_view::npos && name.substr(slash + 1, mark.size()) == mark);
}

model::Case gtest_case(const std::string& suite, std::string_view test) {
  model::Case item = named(suite + "." + std::string(test));
  if (is_disabled(suite) || is_disabled(test)) item.labels["disabled"] = "true";
  return item;
}

class DoctestList final : public XmlHandler {
 public:
  Result<void> start(std::string_view element, const XmlAttributes& attributes) override {
    if (element == "doctest") seen = true;
    if (element != "TestCase") return {};
    model::Case item = named(attributes.get("name"));
    item.description = clean(attributes.get("description"), kMessageKept);
    item.file = clean(attributes.get("filename"), kNameKept);
    item.line = leading_number(attributes.get("line"));
    if (attributes.get("skipped") == "true") item.labels["disabled"] = "true";
    if (attributes.has("testsuite")) {
      item.labels["suite"] = clean(attributes.get("testsuite"), kNameKept);
    }
    cases.push_back(std::move(item));
    return {};
  }
  Result<void> end(std::string_view) override { return {}; }
  void text(std::string_view) override {}

  bool seen = false;
  Cases cases;
};

void take_ctest_property(const json::object& property, model::Case& item) {
  const std::string name = text_in(property, "name");
  if (name == "LABELS") {
    for (const json::value& label : array_in(property, "value")) {
      item.labels[clean(text_of(label), kNameKept)] = "true";
    }
  } else if (name == "TIMEOUT") {
    const Duration timeout = from_seconds(number_in(property, "value"));
    if (timeout > Duration{0}) item.timeout = timeout;
  } else if (name == "DISABLED" && is_true(property, "value")) {
    item.labels["disabled"] = "true";
  }
}

// Test names of one line of `go test -list`; anything else is another kind of line.
bool is_go_test(std::string_view line) {
  for (const std::string_view prefix : {"Test", "Example", "Fuzz"}) {
    if (line.substr(0, prefix.size()) == prefix) {
      return line.find_first_of(" \t") == std::string_view::npos;
    }
  }
  return false;
}

// Lines of `go test -list`: names, then the package they belong to.
class GoList {
 public:
  Result<void> line(std::string_view text) {
    if (is_go_test(text)) {
      waiting_.emplace_back(text);
      return {};
    }
    const auto fields = split(text, '\t');
    const std::string_view word = trim(fields.front());
    if (fields.size() > 1 && (word == "ok" || word == "?")) {
      take(trim(fields[1]));
    } else if (word == "FAIL") {
      return fail(Code::unprocessable, "go could not list the tests: {}{}", clean(text, 300),
                  problem_.empty() ? "" : "\n" + problem_.take());
    } else {
      problem_.append(text);
      problem_.append("\n");
    }
    return {};
  }
  Cases end() {
    take("");  // a test binary by itself does not say its package
    return std::move(cases_);
  }

 private:
  void take(std::string_view package) {
    for (const std::string& name : waiting_) {
      cases_.push_back(named(package.empty() ? name : std::string(package) + "." + name));
    }
    waiting_.clear();
  }

  std::vector<std::string> waiting_;
  KeptText problem_{kMessageKept};
  Cases cases_;
};

}  // namespace

Listing list_gtest(std::string_view text) {
  Cases cases;
  std::string suite;
  for (const auto raw : split(text, '\n')) {
    std::string_view line = without_newline(raw);
    if (const auto comment = line.find("  # "); comment != std::string_view::npos) {
      line = line.substr(0, comment);
    }
    if (line.size() > 2 && line.substr(0, 2) == "  " && !suite.empty()) {
      cases.push_back(gtest_case(suite, line.substr(2)));
    } else if (line.size() > 1 && line.back() == '.' && line.find(' ') == std::string_view::npos) {
      suite = line.substr(0, line.size() - 1);
    }
  }
  return cases;
}

Listing list_gtest_json(std::string_view text) {
  BATON_TRY(document, parse_json(text, "gtest list"));
  Cases cases;
  for (const json::value& entry : array_in(as_object(document), "testsuites")) {
    const json::object& suite = as_object(entry);
    for (const json::value& test : array_in(suite, "testsuite")) {
      const json::object& object = as_object(test);
      model::Case item = gtest_case(text_in(suite, "name"), text_in(object, "name"));
      item.file = clean(text_in(object, "file"), kNameKept);
      item.line = int_in(object, "line");
      for (const char* parameter : {"value_param", "type_param"}) {
        const std::string value = text_in(object, parameter);
        if (!value.empty()) item.description = clean(value, kMessageKept);
      }
      cases.push_back(std::move(item));
    }
  }
  return cases;
}

Listing list_catch2(std::string_view text) {
  Cases cases;
  for (const auto raw : split(text, '\n')) {
    std::string_view line = without_newline(raw);
    if (trim(line).empty()) continue;
    // A name that starts with '#' is quoted, as it would be a tag alias.
    if (line.size() > 2 && line.substr(0, 2) == "\"#" && line.back() == '"') {
      line = line.substr(1, line.size() - 2);
    }
    cases.push_back(named(line));
  }
  return cases;
}

Listing list_doctest(std::string_view xml) {
  DoctestList list;
  XmlReader reader(list, "doctest list");
  BATON_TRY_VOID(reader.feed(xml));
  BATON_TRY_VOID(reader.finish());
  if (!list.seen) return fail(Code::unprocessable, "this is no XML list of doctest");
  return std::move(list.cases);
}

Listing list_ctest(std::string_view text) {
  BATON_TRY(document, parse_json(text, "ctest list"));
  const json::object& root = as_object(document);
  if (!root.contains("tests")) return fail(Code::unprocessable, "this is no JSON list of ctest");
  const json::object& graph = object_in(root, "backtraceGraph");
  const json::array& files = array_in(graph, "files");
  const json::array& nodes = array_in(graph, "nodes");
  Cases cases;
  for (const json::value& entry : array_in(root, "tests")) {
    const json::object& test = as_object(entry);
    model::Case item = named(text_in(test, "name"));
    const auto backtrace = static_cast<std::size_t>(int_in(test, "backtrace"));
    if (test.contains("backtrace") && backtrace < nodes.size()) {
      const json::object& node = as_object(nodes[backtrace]);
      const auto file = static_cast<std::size_t>(int_in(node, "file"));
      if (file < files.size()) item.file = clean(text_of(files[file]), kNameKept);
      item.line = int_in(node, "line");
    }
    for (const json::value& property : array_in(test, "properties")) {
      take_ctest_property(as_object(property), item);
    }
    cases.push_back(std::move(item));
  }
  return cases;
}

Listing list_pytest(std::string_view text) {
  Cases cases;
  for (const auto raw : split(text, '\n')) {
    const std::string_view line = without_newline(raw);
    const bool heading = line.substr(0, 3) == "===";
    if (heading && line.find(" ERRORS ") != std::string_view::npos) {
      const auto at = static_cast<std::size_t>(line.data() - text.data());
      return fail(Code::unprocessable, "pytest could not collect the tests:\n{}",
                  clean(text.substr(at), 4'000));
    }
    // The summaries behind the list may name tests as well.
    if (heading || (trim(line).empty() && !cases.empty())) break;
    const auto colons = line.find("::");
    if (colons == std::string_view::npos || colons == 0 || line.front() == ' ') continue;
    cases.push_back(named(line));
    cases.back().file = clean(line.substr(0, colons), kNameKept);
  }
  // Errors stand behind the list when some files could be collected.
  if (const auto at = text.find("\nERROR "); at != std::string_view::npos) {
    return fail(Code::unprocessable, "pytest could not collect the tests:\n{}",
                clean(text.substr(at + 1), 4'000));
  }
  return cases;
}

Listing list_playwright(std::string_view text) {
  // npm and the configuration may print before the document.
  const auto start = text.find('{');
  if (start == std::string_view::npos) {
    return fail(Code::unprocessable, "playwright listed nothing:\n{}", clean(text, 4'000));
  }
  BATON_TRY(document, parse_json(text.substr(start), "playwright list"));
  const json::object& root = as_object(document);
  for (const json::value& error : array_in(root, "errors")) {
    return fail(Code::unprocessable, "playwright could not load the tests: {}",
                clean(text_in(as_object(error), "message"), 4'000));
  }
  Cases cases;
  BATON_TRY_VOID(for_each_playwright_test(root, [&](const PlaywrightTest& test) -> Result<void> {
    model::Case item = named(test.name);
    item.file = clean(test.file, kNameKept);
    item.line = test.line;
    for (const json::value& tag : array_in(*test.spec, "tags")) {
      item.labels[clean(text_of(tag), kNameKept)] = "true";
    }
    cases.push_back(std::move(item));
    return {};
  }));
  return cases;
}

Listing list_go(std::string_view text) {
  GoList list;
  for (const auto raw : split(text, '\n')) {
    std::string_view line = without_newline(raw);
    std::string output;
    if (!line.empty() && line.front() == '{') {
      auto event = parse_json(line, "go list");
      if (event && text_in(as_object(*event), "Action") != "output") continue;
      if (event) {
        output = text_in(as_object(*event), "Output");
        line = without_newline(output);
      }
    }
    BATON_TRY_VOID(list.line(line));
  }
  return list.end();
}

}  // namespace baton::reports
