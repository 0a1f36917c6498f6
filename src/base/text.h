// SPDX-License-Identifier: MIT
#pragma once
// Small text helpers that need no library: UTF-8 repair, JSON quoting, splitting, matching.
#include <string>
#include <string_view>
#include <vector>

namespace baton {

/// True when the text holds a byte below 0x20 or 0x7f.
bool has_control_bytes(std::string_view text);
bool is_valid_utf8(std::string_view text);
/// Every invalid byte sequence becomes U+FFFD; valid text is returned unchanged.
std::string to_valid_utf8(std::string_view text);
/// A JSON string literal with its quotes. Invalid UTF-8 is repaired first.
std::string json_quote(std::string_view text);

std::vector<std::string_view> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);

/// The candidate nearest to `word` by edit distance, or empty when none is near: "did you mean".
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// Shell-like match of a relative path: `*` and `?` within one part, `**` over any number of parts.
bool glob_match(std::string_view pattern, std::string_view path);

}  // namespace baton
