// SPDX-License-Identifier: MIT
#include "client/answer.h"

#include <boost/json.hpp>

namespace baton::client {
namespace {

const boost::json::value* member(const boost::json::value& document, std::string_view key) {
  const boost::json::object* object = document.if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

}  // namespace

std::string text_of(const boost::json::value& document, std::string_view key) {
  const boost::json::value* value = member(document, key);
  const boost::json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? "" : std::string{*text};
}

std::int64_t number_of(const boost::json::value& document, std::string_view key) {
  const boost::json::value* value = member(document, key);
  boost::system::error_code bad;
  return value == nullptr || !value->is_number() ? 0 : value->to_number<std::int64_t>(bad);
}

}  // namespace baton::client
