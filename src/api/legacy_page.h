// SPDX-License-Identifier: MIT
#pragma once
// The legacy routes for browsers: a plain list, without script or style.
#include <string>
#include <string_view>

#include "api/route.h"

namespace baton::api {

/// Whether the Accept header asks for a page.
bool wants_html(const Call& call);
std::string escape_html(std::string_view text);

class LegacyPage {
 public:
  explicit LegacyPage(std::string_view title);
  void line(std::string_view href, std::string_view text);
  void text(std::string_view text);
  net::Response finish();

 private:
  std::string out_;
};

}  // namespace baton::api
