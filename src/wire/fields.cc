// SPDX-License-Identifier: MIT
#include "wire/fields.h"

#include <limits>

#include "base/text.h"

namespace baton::wire {

namespace json = boost::json;

Fields::Fields(const json::object& object, std::string_view what) : object_(object), what_(what) {}

void Fields::refuse(std::string_view why) {
  if (problem_.empty()) problem_ = why;
}

bool Fields::has(std::string_view key) const { return object_.contains(key); }

std::string Fields::text(std::string_view key) {
  const json::value* value = object_.if_contains(key);
  if (value == nullptr) return {};
  if (const json::string* string = value->if_string()) return std::string(*string);
  refuse(fmt::format("{} is not a string", key));
  return {};
}

std::int64_t Fields::integer(std::string_view key, std::int64_t otherwise) {
  const json::value* value = object_.if_contains(key);
  if (value == nullptr) return otherwise;
  if (const std::int64_t* number = value->if_int64()) return *number;
  refuse(fmt::format("{} is not a whole number", key));
  return otherwise;
}

int Fields::small(std::string_view key, int otherwise) {
  const std::int64_t value = integer(key, otherwise);
  if (value < 0 || value > std::numeric_limits<int>::max()) {
    refuse(fmt::format("{} is out of range", key));
    return otherwise;
  }
  return static_cast<int>(value);
}

bool Fields::boolean(std::string_view key, bool otherwise) {
  const json::value* value = object_.if_contains(key);
  if (value == nullptr) return otherwise;
  if (const bool* flag = value->if_bool()) return *flag;
  refuse(fmt::format("{} is not true or false", key));
  return otherwise;
}

const json::array* Fields::array(std::string_view key) {
  const json::value* value = object_.if_contains(key);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) refuse(fmt::format("{} is not a list", key));
  return value->if_array();
}

const json::object* Fields::object(std::string_view key) {
  const json::value* value = object_.if_contains(key);
  if (value == nullptr) return nullptr;
  if (!value->is_object()) refuse(fmt::format("{} is not an object", key));
  return value->if_object();
}

std::map<std::string, std::string> Fields::texts(std::string_view key) {
  std::map<std::string, std::string> texts;
  const json::object* pairs = object(key);
  if (pairs == nullptr) return texts;
  for (const auto& pair : *pairs) {
    if (const json::string* value = pair.value().if_string()) {
      texts.emplace(std::string(pair.key()), std::string(*value));
    } else {
      refuse(fmt::format("{}.{} is not a string", key, std::string_view(pair.key())));
    }
  }
  return texts;
}

std::vector<std::string> Fields::list(std::string_view key) {
  std::vector<std::string> texts;
  const json::array* items = array(key);
  if (items == nullptr) return texts;
  for (const json::value& item : *items) {
    if (const json::string* text = item.if_string()) {
      texts.emplace_back(*text);
    } else {
      refuse(fmt::format("{} holds something that is not a string", key));
    }
  }
  return texts;
}

Result<void> Fields::check() const {
  if (!problem_.empty()) return fail(Code::invalid, "{}: {}", what_, problem_);
  return {};
}

Result<json::object> parse_object(std::string_view text, std::string_view what) {
  json::error_code failure;
  json::value value = json::parse(text, failure);
  if (failure) return fail(Code::invalid, "{}: not JSON: {}", what, failure.message());
  if (!value.is_object()) return fail(Code::invalid, "{}: not a JSON object", what);
  return std::move(value).as_object();
}

json::string json_text(std::string_view text) {
  if (is_valid_utf8(text)) return json::string(text);
  return json::string(to_valid_utf8(text));
}

json::object json_texts(const std::map<std::string, std::string>& texts) {
  json::object object;
  for (const auto& [key, value] : texts) object[json_text(key)] = json_text(value);
  return object;
}

json::array json_list(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) array.push_back(json_text(text));
  return array;
}

}  // namespace baton::wire
