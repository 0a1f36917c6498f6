// SPDX-License-Identifier: MIT
#pragma once
// For the encoders of rows only: writes members that differ from their default, and reads them
// back.
#include <boost/json.hpp>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/text.h"
#include "base/time.h"

namespace baton::store {

namespace json = boost::json;
using Texts = std::map<std::string, std::string>;

class MemberWriter {
 public:
  void text(std::string_view key, std::string_view value) {
    if (!value.empty()) object_[key] = json::string(to_valid_utf8(value));
  }
  void integer(std::string_view key, std::int64_t value, std::int64_t otherwise = 0) {
    if (value != otherwise) object_[key] = value;
  }
  void flag(std::string_view key, bool value) {
    if (value) object_[key] = true;
  }
  void texts(std::string_view key, const Texts& values) {
    if (values.empty()) return;
    json::object object;
    for (const auto& [name, value] : values) object[to_valid_utf8(name)] = to_valid_utf8(value);
    object_[key] = std::move(object);
  }
  void list(std::string_view key, const std::vector<std::string>& values) {
    if (values.empty()) return;
    json::array array;
    for (const std::string& value : values) array.emplace_back(to_valid_utf8(value));
    object_[key] = std::move(array);
  }
  void value(std::string_view key, json::value v) { object_[key] = std::move(v); }
  bool empty() const { return object_.empty(); }
  json::object take() { return std::move(object_); }
  std::string serialize() const { return json::serialize(object_); }

 private:
  json::object object_;
};

/// Reads what MemberWriter wrote. A member of another type is a damaged row: the accessors throw,
/// and
// decode() turns that into an error.
class MemberReader {
 public:
  explicit MemberReader(const json::object& object) : object_(object) {}
  std::string text(std::string_view key, std::string_view otherwise = {}) const {
    const auto* v = object_.if_contains(key);
    return v ? json::value_to<std::string>(*v) : std::string{otherwise};
  }
  std::int64_t integer(std::string_view key, std::int64_t otherwise = 0) const {
    const auto* v = object_.if_contains(key);
    return v ? v->to_number<std::int64_t>() : otherwise;
  }
  int small(std::string_view key, int otherwise = 0) const {
    return static_cast<int>(integer(key, otherwise));
  }
  Duration duration(std::string_view key, Duration otherwise = Duration{0}) const {
    return Duration{integer(key, otherwise.count())};
  }
  bool flag(std::string_view key) const {
    const auto* v = object_.if_contains(key);
    return v && v->as_bool();
  }
  template <class T>
  std::optional<T> optional(std::string_view key) const {
    const auto* v = object_.if_contains(key);
    if (!v) return std::nullopt;
    if constexpr (std::is_same_v<T, bool>) return v->as_bool();
    else return static_cast<T>(v->to_number<std::int64_t>());
  }
  Texts texts(std::string_view key) const {
    Texts values;
    if (const auto* v = object_.if_contains(key))
      for (const auto& [name, value] : v->as_object())
        values.emplace(name, json::value_to<std::string>(value));
    return values;
  }
  std::vector<std::string> list(std::string_view key) const {
    std::vector<std::string> values;
    if (const auto* v = object_.if_contains(key))
      for (const auto& value : v->as_array()) values.push_back(json::value_to<std::string>(value));
    return values;
  }
  const json::array* array(std::string_view key) const {
    const auto* v = object_.if_contains(key);
    return v ? &v->as_array() : nullptr;
  }

 private:
  const json::object& object_;
};

/// Errors: internal (the text is not what an encoder wrote).
inline Result<void> decode(std::string_view text,
                           const std::function<void(const json::value&)>& read) {
  try {
    read(json::parse({text.data(), text.size()}));
    return {};
  } catch (const std::exception& failure) {
    return fail(Code::internal, "a stored row is damaged: {}", failure.what());
  }
}

}  // namespace baton::store
