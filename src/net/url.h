// SPDX-License-Identifier: MIT
#pragma once
// Percent coding, queries, request targets and byte ranges. Pure functions over text.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"

namespace baton::net {

/// Strict: an incomplete or non-hexadecimal escape is refused. Errors: invalid.
Result<std::string> percent_decode(std::string_view text);
/// Everything but unreserved characters (RFC 3986) becomes %XX; fits a path segment or a query
/// value.
std::string percent_encode(std::string_view text);

/// `a=1&b=%20+` in order. Broken escapes stay as they are written (WHATWG URL, form decoding):
/// people type regular expressions here.
std::vector<Parameter> parse_query(std::string_view text);
std::string format_query(const std::vector<Parameter>& query);

struct Target {
  std::string path;  // raw
  std::vector<std::string> segments;
  std::vector<Parameter> query;
};

/// "/a/b%20c?x=1", "http://host/a" or "*". Empty segments are kept ("/a//b" has three), but a final
/// "/" adds none; "/" has no segment. Any printable byte may stand for itself, `| ^ $ ( ) *` too.
/// Errors: invalid (not starting with "/", broken escape or %00 in the path, fragment).
Result<Target> parse_target(std::string_view target);

/// One range of `size` bytes.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
};

/// Reads a Range header. Empty result: serve all of it (no, foreign, malformed or several ranges).
/// Errors: unsatisfiable (answer 416 with `Content-Range: bytes */size`).
Result<std::optional<ByteRange>> parse_range(std::string_view header, std::uint64_t size);

/// A Content-Disposition value that no file name can break out of (RFC 6266, with filename*).
std::string attachment_disposition(std::string_view file_name);

}  // namespace baton::net
