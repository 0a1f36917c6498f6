// SPDX-License-Identifier: MIT
#include "net/url.h"

#include <algorithm>
#include <charconv>

#include "net/text.h"

namespace baton::net {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";

bool is_unreserved(char c) {
  return is_digit(c) || is_alpha(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

void append_escape(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

/// The escape at text[i] ("%41"), or -1 when there is none that is whole.
int escape_at(std::string_view text, std::size_t i) {
  if (text[i] != '%' || i + 2 >= text.size()) return -1;
  const int high = hex_value(text[i + 1]);
  const int low = hex_value(text[i + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

std::string form_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int escape = escape_at(text, i);
    if (escape >= 0) {
      out += static_cast<char>(escape);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

/// "http://host/a?b" → "/a?b"; other text is returned as it is.
std::string_view without_origin(std::string_view target) {
  const std::size_t scheme = target.find("://");
  if (scheme == std::string_view::npos || scheme > 5) return target;
  const std::string_view name = target.substr(0, scheme);
  if (!equal_no_case(name, "http") && !equal_no_case(name, "https")) return target;
  const std::size_t path = target.find_first_of("/?", scheme + 3);
  if (path == std::string_view::npos) return "/";
  return target.substr(path);
}

Result<std::vector<std::string>> decode_segments(std::string_view path) {
  std::vector<std::string> segments;
  std::size_t begin = 1;
  while (begin < path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    BATON_TRY(segment, percent_decode(path.substr(begin, end - begin)));
    if (segment.find('\0') != std::string::npos) {
      return fail(Code::invalid, "the path contains %00");
    }
    segments.push_back(std::move(segment));
    begin = end + 1;
  }
  return segments;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return {};
  return value;
}

}  // namespace

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int escape = escape_at(text, i);
    if (escape < 0) return fail(Code::invalid, "a percent sign is not followed by two digits");
    out += static_cast<char>(escape);
    i += 2;
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      append_escape(out, c);
    }
  }
  return out;
}

std::vector<Parameter> parse_query(std::string_view text) {
  std::vector<Parameter> parameters;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    parameters.push_back({form_decode(pair.substr(0, equals)), form_decode(value)});
  }
  return parameters;
}

std::string format_query(const std::vector<Parameter>& query) {
  std::string out;
  for (const Parameter& each : query) {
    if (!out.empty()) out += '&';
    out += percent_encode(each.name) + '=' + percent_encode(each.value);
  }
  return out;
}

Result<Target> parse_target(std::string_view target) {
  for (const char c : target) {
    if (is_control(c) || c == ' ') return fail(Code::invalid, "the target has a control byte");
    if (c == '#') return fail(Code::invalid, "the target has a fragment");
  }
  if (target == "*") return Target{"*", {}, {}};
  const std::string_view local = without_origin(target);
  const std::size_t mark = std::min(local.find('?'), local.size());
  std::string path{local.substr(0, mark)};
  if (path.empty() && local.size() != target.size()) path = "/";  // "http://host?x"
  if (path.empty() || path.front() != '/') {
    return fail(Code::invalid, "the target does not start with a slash");
  }
  BATON_TRY(segments, decode_segments(path));
  return Target{std::move(path), std::move(segments),
                parse_query(local.substr(std::min(mark + 1, local.size())))};
}

Result<std::optional<ByteRange>> parse_range(std::string_view header, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  if (header.size() < kUnit.size() || !equal_no_case(header.substr(0, kUnit.size()), kUnit)) {
    return std::nullopt;
  }
  const std::string_view range = header.substr(kUnit.size());
  const std::size_t dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = parse_number(range.substr(0, dash));
  const auto last = parse_number(range.substr(dash + 1));
  const auto refused = fail(Code::unsatisfiable, "the range lies outside of the {} bytes", size);
  if (dash == 0) {  // the last N bytes
    if (!last) return std::nullopt;
    if (*last == 0 || size == 0) return refused;
    const std::uint64_t length = std::min(*last, size);
    return ByteRange{size - length, length};
  }
  if (!first || (!last && dash + 1 < range.size()) || (last && *last < *first)) return std::nullopt;
  if (*first >= size) return refused;
  const std::uint64_t end = last ? std::min(*last, size - 1) : size - 1;
  return ByteRange{*first, end - *first + 1};
}

std::string attachment_disposition(std::string_view file_name) {
  std::string plain;
  for (const char c : file_name) {
    const bool safe =
        !is_control(c) && c != '"' && c != '\\' && c != '%' && static_cast<unsigned char>(c) < 0x80;
    plain += safe ? c : '_';
  }
  std::string value = "attachment; filename=\"" + plain + '"';
  if (plain != file_name) value += "; filename*=UTF-8''" + percent_encode(file_name);
  return value;
}

}  // namespace baton::net
