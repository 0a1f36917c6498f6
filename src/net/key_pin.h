// SPDX-License-Identifier: MIT
#pragma once
// The fingerprint of a TLS server's key. A client that knows it from the server itself (a file of
// the same machine) needs neither an authority nor a name: it talks to the holder of that key or to
// nobody.
#include <string>

#include "base/result.h"

namespace baton::net {

/// "sha256//BASE64" of the public key of the first certificate in a PEM file, as
/// HttpRequest::pinned_key wants it.  Errors: invalid (the file is missing or no certificate).
Result<std::string> key_pin_of(const std::string& certificate_file);

}  // namespace baton::net
