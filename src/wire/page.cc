// SPDX-License-Identifier: MIT
#include "wire/page.h"

#include <charconv>

#include "base/text.h"

namespace baton::wire {
namespace {

constexpr std::string_view kUrlAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kStandardAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// One byte is enough to notice a cursor that was cut or edited; it is no protection, nor meant as
// one.
char check_byte(std::string_view key) {
  unsigned sum = 17;
  for (const char c : key) sum = sum * 31 + static_cast<unsigned char>(c);
  return static_cast<char>(sum & 0xff);
}

Result<std::string> decode(std::string_view text, std::string_view alphabet) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  unsigned bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::size_t digit = alphabet.find(c);
    if (digit == std::string_view::npos) return fail(Code::invalid, "the text is not base64");
    bits = (bits << 6 | static_cast<unsigned>(digit)) & 0xffffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xff);
    }
  }
  if (text.size() % 4 == 1) return fail(Code::invalid, "the text is not base64");
  return out;
}

}  // namespace

std::string base64url_encode(std::string_view bytes) {
  std::string out;
  unsigned bits = 0;
  unsigned count = 0;
  for (const char c : bytes) {
    bits = (bits << 8 | static_cast<unsigned char>(c)) & 0xffffff;
    count += 8;
    while (count >= 6) {
      count -= 6;
      out += kUrlAlphabet[bits >> count & 63];
    }
  }
  if (count > 0) out += kUrlAlphabet[bits << (6 - count) & 63];
  return out;
}

Result<std::string> base64url_decode(std::string_view text) { return decode(text, kUrlAlphabet); }
Result<std::string> base64_decode(std::string_view text) { return decode(text, kStandardAlphabet); }

std::string encode_cursor(std::string_view key) {
  return base64url_encode(check_byte(key) + std::string{key});
}

std::string encode_cursor(std::int64_t key) { return encode_cursor(std::to_string(key)); }

Result<std::string> decode_cursor(std::string_view cursor) {
  const auto bytes = base64url_decode(cursor);
  if (!bytes || bytes->empty() || check_byte(std::string_view{*bytes}.substr(1)) != (*bytes)[0])
    return fail_with_fix(Code::invalid, "take the cursor from next_cursor of the page before",
                         "the cursor is not one of this server's");
  return bytes->substr(1);
}

Result<std::int64_t> decode_integer_cursor(std::string_view cursor) {
  BATON_TRY(key, decode_cursor(cursor));
  std::int64_t number = 0;
  const auto [end, ec] = std::from_chars(key.data(), key.data() + key.size(), number);
  if (ec != std::errc{} || end != key.data() + key.size())
    return fail(Code::invalid, "the cursor is of another list");
  return number;
}

std::string etag_of_revision(std::int64_t revision) { return fmt::format("\"r{}\"", revision); }

std::string etag_of_digest(std::string_view digest) { return fmt::format("\"{}\"", digest); }

bool etag_matches(std::string_view header, std::string_view etag, bool weak) {
  for (std::string_view part : split(header, ',')) {
    part = trim(part);
    if (part == "*") return true;
    if (weak && part.starts_with("W/")) part.remove_prefix(2);
    if (part == etag) return true;
  }
  return false;
}

}  // namespace baton::wire
