// SPDX-License-Identifier: MIT
#pragma once
// Reading JSON bodies strictly: at most 32 levels, no duplicate keys, valid UTF-8, no U+0000 (no
// database and no environment variable can hold it), and no field that the reader did not ask for.
// All faults of a document are collected, each with its JSON pointer, and reported as one Error.
//
//   BATON_TRY_VOID(read_json(body, [&](JsonFields& f) {
//     f.text("suite", request.suite);
//     f.integer("max_attempts", request.max_attempts, 1, 100);
//   }));
//
// A field that is absent or null leaves its target alone. One thread.
#include <boost/json/fwd.hpp>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace baton::wire {

inline constexpr std::size_t kJsonDepthMax = 32;
/// Texts of a request are names, labels and messages; logs and reports travel as bodies of their
/// own.
inline constexpr std::size_t kJsonTextMax = 256 << 10;

/// Whether unknown fields are faults (requests) or skipped (answers of a newer server).
enum class Unknown { refuse, skip };

class JsonFields {
 public:
  JsonFields(const boost::json::object& object, std::string pointer,
             std::vector<ErrorDetail>& faults, Unknown unknown);
  JsonFields(const JsonFields&) = delete;
  JsonFields& operator=(const JsonFields&) = delete;

  bool has(std::string_view name);
  void text(std::string_view name, std::string& out);
  void text(std::string_view name, std::optional<std::string>& out);
  void boolean(std::string_view name, bool& out);
  void boolean(std::string_view name, std::optional<bool>& out);
  void integer(std::string_view name, std::int64_t& out, std::int64_t min, std::int64_t max);
  void integer(std::string_view name, int& out, int min, int max);
  void integer(std::string_view name, std::optional<int>& out, int min, int max);
  /// "90s" and the like.
  void duration(std::string_view name, Duration& out);
  void duration(std::string_view name, std::optional<Duration>& out);
  /// Whole milliseconds, 0 or more: the form of answers.
  void milliseconds(std::string_view name, Duration& out);
  void milliseconds(std::string_view name, std::optional<Duration>& out);
  void time(std::string_view name, TimePoint& out);
  void time(std::string_view name, std::optional<TimePoint>& out);
  /// An object of scalars; numbers and booleans become their JSON text.
  void text_map(std::string_view name, std::map<std::string, std::string>& out);
  void texts(std::string_view name, std::vector<std::string>& out);
  /// A text that `parse` turns into the value.
  template <class E>
  void choice(std::string_view name, E& out, Result<E> (*parse)(std::string_view)) {
    std::optional<std::string> word;
    text(name, word);
    if (!word) return;
    if (Result<E> parsed = parse(*word)) {
      out = *parsed;
    } else {
      fault(name, parsed.error().message);
    }
  }
  void object(std::string_view name, const std::function<void(JsonFields&)>& read);
  /// An array of objects.
  void objects(std::string_view name, const std::function<void(JsonFields&)>& read);
  /// The value as JSON text, "" when absent.
  void json(std::string_view name, std::string& out);
  /// JsonFields that answers have and requests may repeat: accepted, not read.
  void ignore(std::initializer_list<std::string_view> names);
  void require(std::string_view name);
  /// Records a fault at the field.
  void fault(std::string_view name, std::string detail);
  /// Reports the fields nobody asked for. Called by whoever made the JsonFields.
  void finish();

 private:
  const boost::json::value* find(std::string_view name);
  std::string pointer_to(std::string_view name) const;

  const boost::json::object& object_;
  std::string pointer_;
  std::vector<ErrorDetail>& faults_;
  Unknown unknown_;
  std::set<std::string, std::less<>> asked_;
};

/// Parses `text`, which must be one object, and lets `read` take its fields.
/// Errors: invalid; `message` names the first fault, `details` lists all (at most 50).
Result<void> read_json(std::string_view text, const std::function<void(JsonFields&)>& read,
                       Unknown unknown = Unknown::refuse);

/// The strict parser alone, for readers with a shape of their own.
/// Errors: invalid with the JSON pointer of a duplicate key or the offset of the fault.
Result<boost::json::value> parse_json(std::string_view text);

/// The text in the "~0", "~1" form of a JSON pointer's part.
std::string pointer_part(std::string_view name);

}  // namespace baton::wire
