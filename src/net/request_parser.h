// SPDX-License-Identifier: MIT
#pragma once
// Reads request heads from bytes, strictly. No I/O.
// Boost.Beast's parser does the work; the checks around it refuse what it tolerates and what
// another server in the chain could read differently: line folding, a bare LF or CR, control bytes,
// repeated or listed Content-Length, any Transfer-Encoding but one "chunked", both together, both
// with HTTP/1.0, no or several Hosts. Source: RFC 9112 §2.2, §5.2, §6, §11.2.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"

namespace baton::net {

/// Finds the end of a head in a buffer that grows; refuses bytes that may not stand in one at once,
/// so that a malformed request is answered before the time-out.
class HeadScanner {
 public:
  /// The head's length with its empty line, or 0 while it is incomplete. `buffer` holds what it
  /// held at the last call, and more. Errors: invalid.
  Result<std::size_t> scan(std::string_view buffer);

 private:
  std::size_t position_ = 0;
};

struct ParsedHead {
  RequestHead head;  // without peer, tls and request_id
  bool http_1_0 = false;
  bool close = false;  // the client wants the connection closed after the response
  bool chunked = false;
  bool expects_continue = false;
};

/// `raw` ends with the empty line, as HeadScanner found it.
/// Errors: invalid (400), too_large (431: more than `fields_max` fields).
Result<ParsedHead> parse_head(std::string_view raw, std::size_t fields_max);

}  // namespace baton::net
