// SPDX-License-Identifier: MIT
#include "reports/playwright.h"

namespace baton::reports {
namespace {

using OnTest = std::function<Result<void>(const PlaywrightTest&)>;

Result<void> walk_specs(const json::object& suite, const std::string& path, const OnTest& on_test) {
  for (const json::value& entry : array_in(suite, "specs")) {
    const json::object& spec = as_object(entry);
    for (const json::value& test : array_in(spec, "tests")) {
      PlaywrightTest found;
      found.file = text_in(spec, "file");
      found.line = int_in(spec, "line");
      found.spec = &spec;
      found.test = &as_object(test);
      const std::string project = text_in(*found.test, "projectName");
      if (!project.empty()) found.name = "[" + project + "] › ";
      found.name += path + " › " + text_in(spec, "title");
      BATON_TRY_VOID(on_test(found));
    }
  }
  return {};
}

// The depth is bounded by that of the parsed document.
Result<void> walk(const json::object& suite, const std::string& path, const OnTest& on_test) {
  BATON_TRY_VOID(walk_specs(suite, path, on_test));
  for (const json::value& entry : array_in(suite, "suites")) {
    const json::object& inner = as_object(entry);
    BATON_TRY_VOID(walk(inner, path + " › " + text_in(inner, "title"), on_test));
  }
  return {};
}

}  // namespace

Result<void> for_each_playwright_test(const json::object& document, const OnTest& on_test) {
  for (const json::value& entry : array_in(document, "suites")) {
    const json::object& file = as_object(entry);
    std::string path = text_in(file, "title");
    if (path.empty()) path = text_in(file, "file");
    BATON_TRY_VOID(walk(file, path, on_test));
  }
  return {};
}

}  // namespace baton::reports
