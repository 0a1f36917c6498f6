// SPDX-License-Identifier: MIT
#include "reports/kept_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/fnv.h"
#include "base/text.h"

namespace baton::reports {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The longest prefix of at most `limit` bytes that does not end within a character.
std::string_view cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t n = limit;
  while (n > 0 && limit - n < 4 && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) --n;
  return text.substr(0, n);
}

// One comma may be a decimal sign ("0,25") or group digits ("1,234.5", "1,234"). Java writes groups
// of three, so a comma counts as a decimal sign only where no group can be meant.
std::string without_commas(std::string_view text) {
  std::string out(text);
  const auto comma = out.find(',');
  if (comma == std::string::npos) return out;
  const bool one = out.find(',', comma + 1) == std::string::npos;
  const bool has_point = out.find('.') != std::string::npos;
  const std::size_t behind = out.size() - comma - 1;
  if (one && !has_point && (behind != 3 || comma == 0 || out[0] == '0')) {
    out[comma] = '.';
  } else {
    std::erase(out, ',');
  }
  return out;
}

bool is_file_character(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte != 0x7f &&
         std::string_view("\"'<>|*?:()[]{},;=").find(c) == std::string_view::npos;
}

// A file name needs an extension that starts with a letter: "12:30" and "10.5:3" are none.
bool has_extension(std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || dot + 1 >= name.size() || name.size() - dot > 6)
    return false;
  const char c = name[dot + 1];
  return dot > 0 && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}

}  // namespace

void KeptText::append(std::string_view text) {
  const std::size_t room = limit_ - std::min(limit_, text_.size());
  text_ += text.substr(0, room);
  dropped_ += text.size() - std::min(room, text.size());
}

std::string KeptText::take() {
  std::string out = clean(text_, limit_ * 3);
  if (dropped_ > 0) out += "\n[" + std::to_string(dropped_) + " bytes left out]";
  text_.clear();
  dropped_ = 0;
  return out;
}

std::string clean(std::string_view text, std::size_t limit) {
  text = cut(text, limit);
  const bool has_nul = text.find('\0') != std::string_view::npos;
  if (!has_nul && is_valid_utf8(text)) return std::string(text);
  std::string valid = to_valid_utf8(text);
  if (!has_nul) return valid;
  std::string out;
  for (const char c : valid) {
    if (c == '\0') {
      out += kReplacement;
    } else {
      out += c;
    }
  }
  return out;
}

std::string clean_name(std::string_view text) {
  constexpr std::size_t limit = 1'000;
  std::string name = clean(text, limit * 2);
  if (name.empty()) return "(no name)";
  if (name.size() <= limit && text.size() <= limit) return name;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hash;
  for (std::uint64_t h = fnv1a(text); hash.size() < 12; h >>= 4) hash += digits[h & 15];
  return std::string(cut(name, limit - 20)) + "…" + hash;
}

std::string unindent(std::string_view text) {
  std::vector<std::string_view> lines = split(text, '\n');
  const auto blank = [](std::string_view line) { return trim(line).empty(); };
  while (!lines.empty() && blank(lines.back())) lines.pop_back();
  const auto first = std::find_if_not(lines.begin(), lines.end(), blank);
  lines.erase(lines.begin(), first);
  std::size_t common = std::numeric_limits<std::size_t>::max();
  for (const auto line : lines) {
    if (!blank(line)) common = std::min(common, line.find_first_not_of(" \t"));
  }
  std::string out;
  for (const auto line : lines) {
    if (!out.empty() || line.data() != lines.front().data()) out += '\n';
    if (!blank(line)) out += line.substr(common);
  }
  return out;
}

Duration from_seconds(double seconds) {
  constexpr double longest = 100.0 * 365 * 86'400;
  if (!(seconds > 0) || seconds > longest) return Duration{0};
  return Duration{std::llround(seconds * 1000)};
}

Duration seconds_of(std::string_view text) {
  text = trim(text);
  if (!text.empty() && text.back() == 's') text.remove_suffix(1);
  if (text.size() > 64) return Duration{0};
  const std::string number = without_commas(text);
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc{} || end != number.data() + number.size()) return Duration{0};
  return from_seconds(value);
}

Duration timespan_of(std::string_view text) {
  const auto parts = split(trim(text), ':');
  if (parts.size() != 3) return Duration{0};
  double days = 0;
  std::string_view hours = parts[0];
  if (const auto dot = hours.find('.'); dot != std::string_view::npos) {
    days = leading_number(hours);
    hours.remove_prefix(dot + 1);
  }
  const double whole =
      days * 86'400 + leading_number(hours) * 3600.0 + leading_number(parts[1]) * 60.0;
  return from_seconds(whole) + seconds_of(parts[2]);
}

std::optional<TimePoint> time_of(std::string_view text) {
  text = trim(text);
  if (text.size() < 19 || text.size() > 64) return std::nullopt;
  auto time = parse_rfc3339(text);
  if (!time) time = parse_rfc3339(std::string(text) + "Z");
  if (!time || to_ms(*time) <= 0) return std::nullopt;
  return *time;
}

std::optional<Location> find_location(std::string_view text) {
  text = text.substr(0, 16 << 10);  // far more than the part that says where
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if ((text[i] != ':' && text[i] != '(') || !is_digit(text[i + 1])) continue;
    std::size_t begin = i;
    while (begin > 0 && is_file_character(text[begin - 1])) --begin;
    std::string_view name = text.substr(begin, i - begin);
    // "C:\x.cc" keeps its drive; "http://host.com:80" is no file.
    if (begin >= 2 && text[begin - 1] == ':') {
      if (name.substr(0, 2) == "//") continue;
      if (name.substr(0, 1) == "\\") name = text.substr(begin - 2, i - begin + 2);
    }
    if (!has_extension(name)) continue;
    const int line = leading_number(text.substr(i + 1));
    if (line > 0) return Location{clean(name, 1'000), line};
  }
  return std::nullopt;
}

int leading_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) return std::numeric_limits<int>::max();
  return error == std::errc{} && value > 0 ? value : 0;
}

}  // namespace baton::reports
