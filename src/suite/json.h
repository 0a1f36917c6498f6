// SPDX-License-Identifier: MIT
#pragma once
// The little JSON that the test library speaks: one object per event, request and report. A library
// of its own would be one more thing to install beside the light library.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace baton::suite {

/// Writes one object, field by field, in order. Text is repaired to valid UTF-8.
class JsonObject {
 public:
  JsonObject& text(std::string_view key, std::string_view value);
  JsonObject& number(std::string_view key, std::int64_t value);
  JsonObject& boolean(std::string_view key, bool value);
  /// `json` is JSON already.
  JsonObject& raw(std::string_view key, std::string_view json);
  std::string str() const { return text_ + "}"; }

 private:
  void key(std::string_view key);
  std::string text_ = "{";
};

/// "[a,b]" of parts that are JSON already.
std::string json_array(const std::vector<std::string>& parts);
/// An object of texts.
std::string json_texts(const std::vector<std::pair<std::string, std::string>>& fields);

/// A value as read. Numbers keep their integer part only: the protocol has no fractions.
struct Json {
  enum class Kind { null, boolean, number, text, array, object };
  Kind kind = Kind::null;
  std::int64_t number = 0;  // 1 and 0 for a boolean
  std::string text;
  std::vector<Json> items;
  std::vector<std::pair<std::string, Json>> members;

  const Json* find(std::string_view key) const;
  std::string_view text_of(std::string_view key) const;  // "" when absent or not a text
  std::int64_t number_of(std::string_view key, std::int64_t otherwise = 0) const;
  bool flag(std::string_view key) const { return number_of(key) != 0; }
};

/// Errors: invalid, with the offset.
Result<Json> parse_json(std::string_view text);

}  // namespace baton::suite
