// SPDX-License-Identifier: MIT
#include "cli/pages.h"

#include <boost/json.hpp>

#include "cli/simple.h"

namespace baton::cli {

namespace json = boost::json;

Result<json::array> all_items(client::ApiClient& api, const std::string& path,
                              const std::string& query) {
  json::array all;
  std::string cursor;
  for (;;) {
    std::string url = path + "?limit=500";
    if (!query.empty()) url += "&" + query;
    if (!cursor.empty()) url += "&cursor=" + client::escape(cursor);
    BATON_TRY(page, api.get(url));
    json::object* object = page.if_object();
    json::value* items = object == nullptr ? nullptr : object->if_contains("items");
    if (items == nullptr || !items->is_array())
      return fail(Code::internal, "the server's answer to {} is not a list", path);
    for (json::value& item : items->get_array()) all.push_back(std::move(item));
    cursor = text_at(page, "next_cursor");
    if (cursor.empty()) return all;
  }
}

std::vector<Flag> page_flags() {
  return {{"--limit", "N", "At most so many (50; up to 500)"},
          {"--cursor", "C", "Go on where the last page ended"}};
}

int print_page(const Invocation& invocation, std::string_view what, const std::string& path,
               const std::vector<Column>& columns) {
  std::string url = path + "?limit=" + client::escape(invocation.value("--limit", "50"));
  if (const std::string cursor = invocation.value("--cursor"); !cursor.empty())
    url += "&cursor=" + client::escape(cursor);
  return get_and_print(invocation, what, url, columns);
}

}  // namespace baton::cli
