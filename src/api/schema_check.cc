// SPDX-License-Identifier: MIT
#include "api/schema_check.h"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace baton::api {
namespace {

namespace json = boost::json;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

bool has_type(const json::value& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  if (type == "integer") return value.is_int64() || value.is_uint64();
  if (type == "number") return value.is_number();
  return type == "null" && value.is_null();
}

class Check {
 public:
  explicit Check(const json::value& description) : description_(description) {}

  std::string check(const json::object& schema, const json::value& value, const std::string& at) {
    if (const auto* ref = schema.if_contains("$ref")) return check(resolve(*ref), value, at);
    if (const auto* type = schema.if_contains("type"); type != nullptr && !fits(*type, value))
      return at + ": is not of type " + json::serialize(*type);
    if (const auto* choices = schema.if_contains("enum"); choices != nullptr) {
      bool found = false;
      for (const json::value& choice : choices->as_array()) found |= choice == value;
      if (!found) return at + ": is none of " + json::serialize(*choices);
    }
    if (value.is_object()) return check_object(schema, value.get_object(), at);
    if (value.is_array()) return check_array(schema, value.get_array(), at);
    return {};
  }

  const json::object& component(std::string_view name) const {
    return description_.at("components").at("schemas").at(name).as_object();
  }

 private:
  const json::object& resolve(const json::value& ref) const {
    const std::string_view text = view(ref.as_string());
    return component(text.substr(text.rfind('/') + 1));
  }

  static bool fits(const json::value& type, const json::value& value) {
    if (type.is_string()) return has_type(value, view(type.get_string()));
    for (const json::value& one : type.as_array())
      if (has_type(value, view(one.as_string()))) return true;
    return false;
  }

  std::string check_object(const json::object& schema, const json::object& object,
                           const std::string& at) {
    if (const auto* required = schema.if_contains("required"))
      for (const json::value& name : required->as_array())
        if (!object.contains(name.as_string()))
          return fmt::format("{}: lacks {}", at, view(name.as_string()));
    const auto* properties = schema.if_contains("properties");
    const auto* others = schema.if_contains("additionalProperties");
    for (const auto& member : object) {
      const std::string inner = fmt::format("{}/{}", at, std::string_view{member.key()});
      const json::value* property =
          properties != nullptr ? properties->as_object().if_contains(member.key()) : nullptr;
      if (property == nullptr) property = others;
      if (property == nullptr) continue;
      if (property->is_bool() && !property->get_bool()) return inner + ": is not described";
      if (property->is_bool()) continue;
      if (auto found = check(property->as_object(), member.value(), inner); !found.empty())
        return found;
    }
    return {};
  }

  std::string check_array(const json::object& schema, const json::array& array,
                          const std::string& at) {
    const auto* items = schema.if_contains("items");
    if (items == nullptr) return {};
    for (std::size_t i = 0; i < array.size(); ++i)
      if (auto found = check(items->as_object(), array[i], fmt::format("{}/{}", at, i));
          !found.empty())
        return found;
    return {};
  }

  const json::value& description_;
};

}  // namespace

std::string violation(const json::value& description, std::string_view schema_name,
                      const json::value& value) {
  Check check(description);
  return check.check(check.component(schema_name), value, "");
}

}  // namespace baton::api
