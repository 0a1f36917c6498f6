// SPDX-License-Identifier: MIT
#pragma once
// Discovery: the cases that a test tool lists, from what it printed. The caller runs the tool.
// Names are those that reports and live parsers give (after align_names), and what the tool's own
// selection understands.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/suite.h"

namespace baton::reports {

using Listing = Result<std::vector<model::Case>>;

/// `BIN --gtest_list_tests` (text): "Suite.Case"; DISABLED_ ones carry the label disabled=true.
Listing list_gtest(std::string_view text);
/// The file of `BIN --gtest_list_tests --gtest_output=json:FILE`: the same with file and line.
Listing list_gtest_json(std::string_view json);
/// `BIN --list-test-names-only`. (Its exit code is the number of tests: not an error.)
Listing list_catch2(std::string_view text);
/// `BIN -ltc -r=xml`. Skipped ones carry disabled=true, suites the label suite.
Listing list_doctest(std::string_view xml);
/// `ctest --show-only=json-v1`: LABELS become labels with value "true"; TIMEOUT the time-out.
Listing list_ctest(std::string_view json);
/// `pytest --collect-only -q`: node ids. Errors: unprocessable when collection failed.
Listing list_pytest(std::string_view text);
/// `playwright test --list --reporter=json`: "[project] › file › title › title".
Listing list_playwright(std::string_view json);
/// `go test -list . PACKAGES`: "package.TestName". `go test -json -list` is understood too.
Listing list_go(std::string_view text);

}  // namespace baton::reports
