// SPDX-License-Identifier: MIT
#pragma once
// Text into XML 1.0: repaired to UTF-8, forbidden characters as U+FFFD, markup escaped.
#include <string>
#include <string_view>

namespace baton::reports {

std::string xml_text(std::string_view text);
/// Line ends and tabs as references: readers would turn them into blanks.
std::string xml_attribute(std::string_view text);

}  // namespace baton::reports
