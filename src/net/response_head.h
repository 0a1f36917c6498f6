// SPDX-License-Identifier: MIT
#pragma once
// Writes the head of a response as bytes. No I/O.
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace baton::net {

/// "Not Found"; "" when unknown.
std::string_view reason_of(int status);
/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7).
std::string format_http_date(std::time_t seconds);
/// Whether a response of that status has a body at all (not 1xx, 204, 304).
bool has_body(int status);

/// What the server knows beside the handler's response.
struct HeadFacts {
  std::optional<std::uint64_t> content_length;  // empty: unknown
  bool chunked = false;
  bool close = false;
  std::string_view date;
  std::string_view request_id;
};

/// Fields that state the framing are the server's: those of the handler are left out. Control bytes
/// in values become spaces, so that no value can end a line; fields with a bad name are left out.
std::string format_head(const Response& response, const HeadFacts& facts);

}  // namespace baton::net
