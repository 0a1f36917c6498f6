// SPDX-License-Identifier: MIT
#pragma once
// Reads the fields of a JSON object that another Baton process wrote: unknown fields are ignored
// (a newer peer may send them), a field of the wrong type is remembered as the error.
// For the records and jobs of this room and for the runner; requests of users are read strictly by
// JsonReader.
#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace baton::wire {

/// `what` names the object in messages: "job", "record".
class Fields {
 public:
  Fields(const boost::json::object& object, std::string_view what);

  bool has(std::string_view key) const;
  std::string text(std::string_view key);  // "" when absent
  std::int64_t integer(std::string_view key, std::int64_t otherwise = 0);
  int small(std::string_view key, int otherwise = 0);  // beyond int: an error
  bool boolean(std::string_view key, bool otherwise = false);
  Duration duration(std::string_view key) { return Duration{integer(key)}; }
  TimePoint time(std::string_view key) { return from_ms(integer(key)); }
  std::map<std::string, std::string> texts(std::string_view key);
  std::vector<std::string> list(std::string_view key);
  /// Null when absent.
  const boost::json::array* array(std::string_view key);
  const boost::json::object* object(std::string_view key);
  /// Notes the failure of a parse_… function and gives its value or the default.
  template <class T>
  T take(Result<T> parsed, T otherwise) {
    if (parsed) return *std::move(parsed);
    refuse(parsed.error().message);
    return otherwise;
  }

  void refuse(std::string_view why);
  /// The first problem. Errors: invalid.
  Result<void> check() const;

 private:
  const boost::json::object& object_;
  std::string what_;
  std::string problem_;
};

/// Errors: invalid (not JSON, or not an object), with what the parser says.
Result<boost::json::object> parse_object(std::string_view json, std::string_view what);
boost::json::string json_text(std::string_view text);
boost::json::object json_texts(const std::map<std::string, std::string>& texts);
boost::json::array json_list(const std::vector<std::string>& texts);

}  // namespace baton::wire
