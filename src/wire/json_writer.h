// SPDX-License-Identifier: MIT
#pragma once
// JsonWriter appends JSON to one string, in the order of the calls, without building a tree: lists
// of hundreds of runs are written in one pass. Commas and quoting are its business; the caller
// opens and closes. Text that is not UTF-8 is repaired. One thread.
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace baton::wire {

class JsonWriter {
 public:
  /// link_base: what link() puts before a path, "https://baton.corp"; "" leaves paths as they are.
  explicit JsonWriter(std::string_view link_base = {}) : link_base_(link_base) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const std::string& text) { return value(std::string_view{text}); }
  JsonWriter& value(const char* text) { return value(std::string_view{text}); }
  template <std::same_as<bool> B>
  JsonWriter& value(B flag) {
    return raw(flag ? "true" : "false");
  }
  template <std::integral I>
  requires(!std::same_as<I, bool>) JsonWriter& value(I number) {
    return integer(static_cast<std::int64_t>(number));
  }
  JsonWriter& value(double number);
  /// RFC 3339.
  JsonWriter& value(TimePoint t) { return value(format_rfc3339(t)); }
  /// Whole milliseconds.
  JsonWriter& value(Duration d) { return integer(d.count()); }
  JsonWriter& value(const std::map<std::string, std::string>& map);
  JsonWriter& value(const std::vector<std::string>& texts);
  JsonWriter& null() { return raw("null"); }
  /// A value that is JSON already.
  JsonWriter& raw(std::string_view json);

  template <class T>
  JsonWriter& field(std::string_view name, const T& v) {
    return key(name).value(v);
  }
  /// Left out when the text is empty.
  JsonWriter& field_if(std::string_view name, std::string_view text) {
    return text.empty() ? *this : field(name, text);
  }
  /// Left out when not set.
  template <class T>
  JsonWriter& field_if(std::string_view name, const std::optional<T>& v) {
    return v ? field(name, *v) : *this;
  }

  /// The URL of a path of this server, and of one below it ("/tests").
  JsonWriter& link(std::string_view name, std::string_view path, std::string_view below_it = {});

  /// Makes room for so many bytes more.
  void reserve(std::size_t bytes) { out_.reserve(out_.size() + bytes); }

  std::size_t size() const { return out_.size(); }
  std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& integer(std::int64_t number);
  void separate();

  std::string out_;
  std::string link_base_;
  bool comma_ = false;
};

}  // namespace baton::wire
