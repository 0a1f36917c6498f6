// SPDX-License-Identifier: MIT
#pragma once
// What signed calls are checked with, and signed by. Pure.
#include <optional>
#include <string>
#include <string_view>

namespace baton::links {

/// 32 raw bytes.
std::string hmac_sha256(std::string_view key, std::string_view text);
/// Takes as long for a wrong first byte as for a wrong last one. Only the length may be learned.
bool equal_in_constant_time(std::string_view a, std::string_view b);

/// Lower case, two digits a byte.
std::string to_hex(std::string_view bytes);
/// The alphabet of RFC 4648 section 4, padded.
std::string to_base64(std::string_view bytes);
/// Nothing unless it is whole and padded (section 4).
std::optional<std::string> from_base64(std::string_view text);

}  // namespace baton::links
