// SPDX-License-Identifier: MIT
#pragma once
// Content types by file name.
#include <string_view>

namespace baton::net {

/// "text/html; charset=utf-8" for "a/b.HTML"; "application/octet-stream" when unknown.
std::string_view content_type_of(std::string_view path);

}  // namespace baton::net
