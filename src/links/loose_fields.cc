// SPDX-License-Identifier: MIT
#include "links/loose_fields.h"

#include <boost/json.hpp>

#include "base/text.h"
#include "wire/json_reader.h"

namespace baton::links {

namespace json = boost::json;

Result<json::object> loosen(json::object fields) {
  for (const char* name : {"subject", "labels"}) {
    json::value* value = fields.if_contains(name);
    if (value == nullptr || !value->is_string()) continue;
    const json::string& text = value->get_string();
    if (!text.starts_with("{")) continue;  // the reader of requests says what is wrong
    BATON_TRY(parsed, wire::parse_json({text.data(), text.size()}));
    *value = parsed;
  }
  return fields;
}

Result<json::object> fields_of_query(const std::vector<net::Parameter>& query) {
  json::object fields;
  for (const net::Parameter& each : query) {
    if (each.name == "wait" || each.name == "access_token") continue;
    const json::string_view name{each.name.data(), each.name.size()};
    if (fields.contains(name))
      return fail(Code::invalid, "the query has {} twice", json_quote(each.name));
    fields[name] = json::string_view{each.value.data(), each.value.size()};
  }
  return loosen(std::move(fields));
}

Result<json::object> object_of_body(std::string_view body) {
  if (trim(body).empty()) return json::object{};
  BATON_TRY(value, wire::parse_json(body));
  if (!value.is_object()) return fail(Code::invalid, "the body must be a JSON object");
  return std::move(value.get_object());
}

}  // namespace baton::links
