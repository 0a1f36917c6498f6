// SPDX-License-Identifier: MIT
#include "reports/tap_line.h"

#include <algorithm>

#include "base/text.h"

namespace baton::reports {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void skip_blanks(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
}

// The first '#' that is neither escaped nor within a word.
std::size_t directive_at(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '#' && (i == 0 || text[i - 1] == ' ' || text[i - 1] == '\t')) {
      return i;
    }
  }
  return std::string_view::npos;
}

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '#' || text[i + 1] == '\\');
    if (escape) ++i;
    out += text[i];
  }
  return out;
}

std::string_view unquote(std::string_view text) {
  text = trim(text);
  if (text.size() >= 2 && text.front() == text.back() && (text[0] == '\'' || text[0] == '"')) {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

// "SKIP reason", "skipped: reason", "TODO reason".
bool take_directive(std::string_view text, std::string_view word, std::string& reason) {
  if (to_lower(text.substr(0, word.size())) != word) return false;
  text.remove_prefix(word.size());
  while (!text.empty() && text.front() != ' ' && text.front() != '\t') text.remove_prefix(1);
  reason = trim(text);
  return true;
}

}  // namespace

std::optional<TapPoint> parse_tap_point(std::string_view line) {
  TapPoint point;
  if (line.substr(0, 3) == "not") {
    line.remove_prefix(3);
    if (line.empty() || line.front() != ' ') return std::nullopt;
    skip_blanks(line);
  } else {
    point.ok = true;
  }
  if (line.substr(0, 2) != "ok") return std::nullopt;
  line.remove_prefix(2);
  if (!line.empty() && line.front() != ' ' && line.front() != '\t') return std::nullopt;
  skip_blanks(line);
  const auto digits = std::find_if_not(line.begin(), line.end(), is_digit) - line.begin();
  const auto number = static_cast<std::size_t>(digits);
  if (number > 0 && (number == line.size() || line[number] == ' ')) line.remove_prefix(number);
  skip_blanks(line);
  if (line.substr(0, 2) == "- " || line == "-") line.remove_prefix(1);

  const auto hash = directive_at(line);
  std::string_view description = line.substr(0, hash);
  if (hash != std::string_view::npos) {
    std::string_view directive = line.substr(hash + 1);
    skip_blanks(directive);
    point.skip = take_directive(directive, "skip", point.reason);
    point.todo = !point.skip && take_directive(directive, "todo", point.reason);
    if (!point.skip && !point.todo) description = line;  // a '#' of the description itself
  }
  description = trim(description);
  if (description.size() > 2 && description.substr(description.size() - 2) == " {") {
    description.remove_suffix(2);  // a buffered subtest opens
  }
  point.description = clean(unescape(description), kNameKept * 2);
  return point;
}

std::optional<TapPlan> parse_tap_plan(std::string_view line) {
  if (line.substr(0, 3) != "1..") return std::nullopt;
  line.remove_prefix(3);
  if (line.empty() || !is_digit(line.front())) return std::nullopt;
  TapPlan plan;
  plan.count = leading_number(line);
  while (!line.empty() && is_digit(line.front())) line.remove_prefix(1);
  skip_blanks(line);
  if (line.empty()) return plan;
  if (line.front() != '#') return std::nullopt;
  line.remove_prefix(1);
  skip_blanks(line);
  plan.skipped = take_directive(line, "skip", plan.reason);
  return plan;
}

bool is_block_start(std::string_view line) {
  return !line.empty() && line[0] == ' ' && trim(line) == "---";
}

bool TapBlock::add(std::string_view line) {
  const std::string_view text = trim(line);
  if (!started_) {
    started_ = true;
    return true;  // "---"
  }
  if (text == "...") return false;
  text_.append(line);
  text_.append("\n");
  const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
  if (scalar_ && (text.empty() || indent > scalar_indent_)) {
    if (message_.size() < kMessageKept && !text.empty()) {
      message_ += (message_.empty() ? "" : "\n") + clean(text, kMessageKept);
    }
    return true;
  }
  scalar_ = false;
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return true;
  scalar_indent_ = indent;
  field(text.substr(0, colon), unquote(text.substr(colon + 1)));
  return true;
}

void TapBlock::field(std::string_view key, std::string_view value) {
  if (key == "duration_ms") {
    duration_ = from_seconds(static_cast<double>(seconds_of(value).count()) / 1e6);
  } else if ((key == "message" || key == "error") && message_.empty()) {
    scalar_ = value.empty() || value.front() == '|' || value.front() == '>';
    if (!scalar_) message_ = clean(value, kMessageKept);
  } else if (key == "file" && place_.file.empty()) {
    place_.file = clean(value, kNameKept);
  } else if (key == "line" && place_.line == 0) {
    place_.line = leading_number(value);
  } else if (key == "location" || key == "at") {
    if (const auto place = find_location(value); place && place_.file.empty()) place_ = *place;
  }
}

void TapBlock::add_comment(std::string_view line) {
  text_.append(line);
  text_.append("\n");
  // Perl: "#   Failed test 'x'", "#   at t/a.t line 3."; the first line is the message.
  line.remove_prefix(std::min(line.find_first_not_of("# "), line.size()));
  if (message_.empty()) message_ = clean(line, kMessageKept);
  const auto mark = line.find(" line ");
  const auto at = line.find("at ");
  if (place_.file.empty() && at != std::string_view::npos && mark != std::string_view::npos &&
      mark > at + 3) {
    place_ = {clean(line.substr(at + 3, mark - at - 3), kNameKept),
              leading_number(line.substr(mark + 6))};
  }
}

}  // namespace baton::reports
