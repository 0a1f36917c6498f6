// SPDX-License-Identifier: MIT
#include "wire/json_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>

#include "base/text.h"

namespace baton::wire {
namespace {

// Most texts need no escape; those are copied as they are.
bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
}

// Eight bytes at once. Not 0 when any byte of the word is below `n` (at most 0x80); which one, the
// mask does not tell.
constexpr std::uint64_t each(unsigned byte) { return ~std::uint64_t{0} / 255 * byte; }
constexpr std::uint64_t below(std::uint64_t word, unsigned n) {
  return (word - each(n)) & ~word & each(0x80);
}

bool is_plain(std::string_view text) {
  while (text.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof word);
    if ((below(word, 0x20) | below(word ^ each('"'), 1) | below(word ^ each('\\'), 1) |
         below(word ^ each(0x7f), 1) | (word & each(0x80))) != 0)
      return false;
    text.remove_prefix(sizeof word);
  }
  return std::all_of(text.begin(), text.end(), [](char c) { return is_plain(c); });
}

}  // namespace

void JsonWriter::separate() {
  if (comma_) out_ += ',';
  comma_ = true;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  value(name);
  out_ += ':';
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  if (is_plain(text)) {
    out_ += '"';
    out_ += text;
    out_ += '"';
  } else {
    out_ += json_quote(text);
  }
  return *this;
}

JsonWriter& JsonWriter::link(std::string_view name, std::string_view path,
                             std::string_view below_it) {
  key(name);
  if (!is_plain(link_base_) || !is_plain(path) || !is_plain(below_it))
    return value(link_base_ + std::string{path} + std::string{below_it});
  separate();
  out_ += '"';
  out_ += link_base_;
  out_ += path;
  out_ += below_it;
  out_ += '"';
  return *this;
}

JsonWriter& JsonWriter::integer(std::int64_t number) {
  separate();
  char digits[24];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
  out_.append(digits, end);
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  // JSON has no infinity and no NaN.
  if (!std::isfinite(number)) return null();
  separate();
  fmt::format_to(std::back_inserter(out_), "{}", number);
  return *this;
}

JsonWriter& JsonWriter::value(const std::map<std::string, std::string>& map) {
  begin_object();
  for (const auto& [name, text] : map) field(name, text);
  return end_object();
}

JsonWriter& JsonWriter::value(const std::vector<std::string>& texts) {
  begin_array();
  for (const std::string& text : texts) value(text);
  return end_array();
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

}  // namespace baton::wire
