// SPDX-License-Identifier: MIT
#pragma once
// Formats that are streams of lines (TAP, go test -json) have one parser, the live one; this adapts
// it to a report.
#include <memory>
#include <string>
#include <string_view>

#include "reports/live.h"
#include "reports/report.h"

namespace baton::reports {

/// A live parser that can say afterwards that its input was of another kind.
class LineFormat : public LiveParser {
 public:
  /// "" when the lines were of the format, else what was missing.
  virtual std::string problem() const = 0;
};

std::unique_ptr<LineFormat> make_tap_lines();
std::unique_ptr<LineFormat> make_go_lines();

std::unique_ptr<LiveParser> make_gtest_live();
std::unique_ptr<LiveParser> make_native_xml_live();  // catch2, doctest
std::unique_ptr<LiveParser> make_pytest_live();
std::unique_ptr<LiveParser> make_ctest_live();

std::unique_ptr<Parser> make_line_parser(Format format, std::string filename, OnCase on_case);

/// The line without its "\n" or "\r\n".
std::string_view without_newline(std::string_view line);

}  // namespace baton::reports
