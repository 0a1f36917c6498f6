// SPDX-License-Identifier: MIT
#pragma once
// Addresses that a caller may name to be called back. Without a list a gate would be a way for
// anybody to make this server call anything, with a token in the call. An entry is a URL prefix
// that ends at a path boundary; both sides are written in one form first and then compared as text.
// What servers read differently (dot segments, user info, backslashes) is refused. Pure.
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace baton::links {

struct CallbackUrl {
  std::string origin;  // "https://dev.azure.com", lower case, without a default port
  std::string host;    // "dev.azure.com", "10.0.0.7", "::1" without brackets
  std::string path;    // "/corp/", at least "/"; escapes in one form
  std::string query;   // "?a=b", or ""

  std::string text() const { return origin + path + query; }
};

/// Errors: invalid: no http or https URL, or one with a fragment, a backslash, a blank, control
/// byte or byte beyond ASCII, or a broken escape; forbidden: user info, a dot segment or control
/// byte in any disguise.
Result<CallbackUrl> parse_callback_url(std::string_view url);

/// An entry of the list, when it is configured.  Errors: as above; invalid: it has a query.
Result<CallbackUrl> parse_allow_entry(std::string_view entry);

/// The entry that covers the address. Entries that cannot be read cover nothing.
/// Errors: invalid, as above; forbidden: no entry does.
Result<CallbackUrl> allowed_by(std::string_view url, std::span<const std::string> allow);

}  // namespace baton::links
