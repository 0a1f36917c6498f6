// SPDX-License-Identifier: MIT
#pragma once
// The tree of Playwright's JSON, walked once for reports and for discovery.
#include <functional>
#include <string>

#include "reports/json_reader.h"

namespace baton::reports {

struct PlaywrightTest {
  std::string name;  // "[project] › file › title › title"
  std::string file;
  int line = 0;
  const json::object* spec = nullptr;
  const json::object* test = nullptr;
};

/// Calls for every test of every project, in the order of the document.
Result<void> for_each_playwright_test(const json::object& document,
                                      const std::function<Result<void>(const PlaywrightTest&)>& f);

}  // namespace baton::reports
