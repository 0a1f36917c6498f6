// SPDX-License-Identifier: MIT
#pragma once
// Cursors of lists and entity tags. A cursor is opaque to clients: the key of the last item seen,
// base64url with a check, so that a mangled one is refused instead of giving a wrong page.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace baton::wire {

std::string encode_cursor(std::string_view key);
std::string encode_cursor(std::int64_t key);
/// Errors: invalid.
Result<std::string> decode_cursor(std::string_view cursor);
Result<std::int64_t> decode_integer_cursor(std::string_view cursor);

/// A strong entity tag with its quotes: "\"r17\"".
std::string etag_of_revision(std::int64_t revision);
/// The tag of content with this hexadecimal digest.
std::string etag_of_digest(std::string_view digest);
/// Whether an If-Match or If-None-Match header (a list, or *) names the tag. Weak tags never match
/// strongly; `weak` compares them too (If-None-Match).
bool etag_matches(std::string_view header, std::string_view etag, bool weak);

std::string base64url_encode(std::string_view bytes);
Result<std::string> base64url_decode(std::string_view text);
/// Standard alphabet, padding optional: Basic credentials.
Result<std::string> base64_decode(std::string_view text);

}  // namespace baton::wire
