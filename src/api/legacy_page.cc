// SPDX-License-Identifier: MIT
#include "api/legacy_page.h"

#include <fmt/format.h>

#include "base/text.h"

namespace baton::api {

bool wants_html(const Call& call) {
  return call.request.headers.get("Accept").find("text/html") != std::string_view::npos;
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : to_valid_utf8(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

LegacyPage::LegacyPage(std::string_view title) {
  const std::string safe = escape_html(title);
  out_ = fmt::format("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                     "<title>{0}</title></head>\n<body><main><h1>{0}</h1>\n", safe);
}

void LegacyPage::line(std::string_view href, std::string_view text) {
  out_ += fmt::format("<p><a href=\"{}\">{}</a></p>\n", escape_html(href), escape_html(text));
}

void LegacyPage::text(std::string_view text) {
  out_ += fmt::format("<pre>{}</pre>\n", escape_html(text));
}

net::Response LegacyPage::finish() {
  out_ += "</main></body></html>\n";
  return net::reply(200, "text/html; charset=utf-8", std::move(out_));
}

}  // namespace baton::api
