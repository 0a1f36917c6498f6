// SPDX-License-Identifier: MIT
#include "reports/xml_escape.h"

#include "base/text.h"

namespace baton::reports {
namespace {

std::string escape(std::string_view raw, bool attribute) {
  const std::string text = to_valid_utf8(raw);
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    const bool newline = c == '\n' || c == '\t';
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"' && attribute) {
      out += "&quot;";
    } else if (c == '\r' || (newline && attribute)) {
      out += "&#" + std::to_string(byte) + ";";
    } else if (byte < 0x20 && !newline) {
      out += "\xEF\xBF\xBD";
    } else if (byte == 0xEF && (text.compare(i, 3, "\xEF\xBF\xBE") == 0 ||
                                text.compare(i, 3, "\xEF\xBF\xBF") == 0)) {
      out += "\xEF\xBF\xBD";  // U+FFFE and U+FFFF are no characters of XML
      i += 2;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string xml_text(std::string_view text) { return escape(text, false); }
std::string xml_attribute(std::string_view text) { return escape(text, true); }

}  // namespace baton::reports
