// SPDX-License-Identifier: MIT
#pragma once
// multipart/form-data bodies (RFC 7578), for uploads of several files. Works on a complete body;
// the parts are views into it.
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"

namespace baton::net {

// One upload of a whole build's report files stays below; more is a loop of one request each.
inline constexpr std::size_t kPartsMax = 1'000;
inline constexpr std::size_t kPartHeaderBytesMax = 8 * 1024;

struct Part {
  std::string name;       // of the form field
  std::string file_name;  // as sent; never a path to write to
  std::string content_type;
  std::string_view content;  // into the body
};

/// `content_type` is the request's header value, with its boundary.
/// Errors: invalid (not multipart, no boundary, broken framing), too_large (kPartsMax, header
/// bytes).
Result<std::vector<Part>> parse_multipart(std::string_view content_type, std::string_view body);

/// Whether a part has one of these names. It looks no further than the head of the first such part,
/// so of a long file it reads nothing.  Errors: those of parse_multipart for what comes before it.
Result<bool> has_part(std::string_view content_type, std::string_view body,
                      std::initializer_list<std::string_view> names);

}  // namespace baton::net
