// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/text.h"
#include "reports/report.h"
#include "reports/tap_line.h"

namespace baton::reports {
namespace {

bool holds(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

// The name of the first element, behind declaration and comments.
std::string_view root_element(std::string_view text) {
  while (!text.empty()) {
    const auto at = text.find('<');
    if (at == std::string_view::npos) return {};
    text.remove_prefix(at);
    const bool comment = text.substr(0, 4) == "<!--";
    const bool declaration = text.substr(0, 2) == "<?";
    if (!comment && !declaration) break;
    const auto end = text.find(comment ? "-->" : "?>");
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 2);
  }
  std::string_view name = text.substr(std::min<std::size_t>(1, text.size()));
  name = name.substr(0, name.find_first_of(" \t\r\n/>"));
  const auto colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

Format sniff_xml(std::string_view text) {
  const std::string_view root = root_element(text);
  if (root == "testsuites" || root == "testsuite" || root == "testcase") return Format::junit;
  if (root == "TestRun") return Format::trx;
  if (root == "test-run") return Format::nunit;
  if (root == "assemblies" || root == "assembly") return Format::xunit;
  if (root == "Catch" || root == "Catch2TestRun") return Format::catch2;
  if (root == "doctest") return Format::doctest;
  // A DOCTYPE: the parser refuses it and says why. Else a frame around a JUnit report.
  const bool junit = root.substr(0, 1) == "!" || holds(text, "<testsuite");
  return junit ? Format::junit : Format::automatic;
}

Format sniff_json(std::string_view text) {
  if (text.front() == '[') return Format::cucumber;
  if (holds(text, "\"testsuites\"")) return Format::gtest;
  if (holds(text, "\"CTRF\"") || (holds(text, "\"results\"") && !holds(text, "\"suites\""))) {
    return Format::ctrf;
  }
  if (holds(text, "\"suites\"") || holds(text, "\"config\"")) return Format::playwright;
  return Format::automatic;
}

Format sniff_lines(std::string_view text) {
  for (std::string_view line : split(text, '\n')) {
    if (line.substr(0, 1) == "{" && holds(line, "\"Action\":")) return Format::gotest;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.substr(0, 12) == "TAP version " || parse_tap_plan(line) || parse_tap_point(line)) {
      return Format::tap;
    }
  }
  return Format::automatic;
}

}  // namespace

Format sniff(std::string_view bytes) {
  bytes = bytes.substr(0, 256 << 10);
  std::string narrow;
  if (bytes.substr(0, 3) == "\xEF\xBB\xBF") bytes.remove_prefix(3);
  const bool wide = bytes.substr(0, 2) == "\xFF\xFE" || bytes.substr(0, 2) == "\xFE\xFF" ||
                    (bytes.size() > 1 && (bytes[0] == '\0' || bytes[1] == '\0'));
  if (wide) {  // UTF-16: the names that matter here are ASCII
    std::copy_if(bytes.begin(), bytes.end(), std::back_inserter(narrow),
                 [](char c) { return c > 0 && c < 0x7f; });
    bytes = narrow;
  }
  const std::string_view text = trim(bytes);
  if (text.empty()) return Format::automatic;
  if (text.front() == '<') return sniff_xml(text);
  const std::string_view first_line = text.substr(0, text.find('\n'));
  const bool event = text.front() == '{' && holds(first_line, "\"Action\":");
  if ((text.front() == '{' || text.front() == '[') && !event) return sniff_json(text);
  return sniff_lines(text);
}

}  // namespace baton::reports
