// SPDX-License-Identifier: MIT
// Names of cases in the filter languages of their tools.
#include "base/text.h"
#include "runner/kinds/tool.h"

namespace baton::runner {
namespace {

std::string with_backslashes(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::string join(std::span<const std::string_view> parts, std::string_view between) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += between;
    out += regex_escape(parts[i]);
  }
  return out;
}

}  // namespace

// GoogleTest cannot escape: '?' stands for any one character.
std::string gtest_filter_name(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c == ':' || c == '*' || c == '-' || c == '?') c = '?';
  }
  return out;
}

std::string catch2_filter_name(std::string_view name) {
  return with_backslashes(name, "\\,[]\"*~");
}

// doctest knows an escape for the comma only; '?' stands for any one character.
std::string doctest_filter_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ',') {
      out += "\\,";
    } else {
      out.push_back(c == '*' || c == '\\' ? '?' : c);
    }
  }
  return out;
}

std::string regex_escape(std::string_view name) {
  return with_backslashes(name, "\\^$.|?*+()[]{}");
}

std::string go_run_pattern(std::string_view name) {
  // The package ends at the first dot behind its last slash before the test's name.
  std::size_t start = name.find(".Test");
  for (const std::string_view kind : {".Example", ".Fuzz", ".Benchmark"}) {
    start = std::min(start, name.find(kind));
  }
  if (start != std::string_view::npos) name.remove_prefix(start + 1);
  std::string out;
  for (const std::string_view part : split(name, '/')) {
    if (!out.empty()) out += '/';
    out += "^" + regex_escape(part) + "$";
  }
  return out;
}

std::string playwright_grep(std::string_view name) {
  constexpr std::string_view kArrow = " \xe2\x80\xba ";
  std::vector<std::string_view> parts;
  for (std::size_t at; (at = name.find(kArrow)) != std::string_view::npos;) {
    parts.push_back(name.substr(0, at));
    name.remove_prefix(at + kArrow.size());
  }
  parts.push_back(name);
  if (parts.front().starts_with('[') && parts.front().ends_with(']')) {
    parts.front() = parts.front().substr(1, parts.front().size() - 2);
  }
  // Tags stand behind the title that they are given to.
  constexpr std::string_view kTags = "(?:\\s@\\S+)*";
  return fmt::format("(?:^|\\s){}{}$", join(parts, fmt::format("{}\\s", kTags)), kTags);
}

}  // namespace baton::runner
