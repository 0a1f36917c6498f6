// SPDX-License-Identifier: MIT
#pragma once
// The server's own log: one line per event on standard error, `time level event key=value …`, or
// one JSON object per line. error: an operator must act; warn: degraded but handled; info: one line
// per committed transition; debug: off by default. Safe from any thread. Never pass a secret.
#include <fmt/core.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace baton::log {

enum class Level { debug, info, warn, error, off };
enum class Format { text, json };

struct Field {
  std::string_view key;
  std::string value;
  template <class T>
  Field(std::string_view k, const T& v) : key(k), value(fmt::format("{}", v)) {}
};

void set_level(Level level);
void set_format(Format format);
bool enabled(Level level);

/// event: "room.verb" or a journal event kind, such as "run.finished".
void write(Level level, std::string_view event, std::initializer_list<Field> fields);

inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
  if (enabled(Level::debug)) write(Level::debug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::info, event, fields);
}
inline void warn(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::warn, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::error, event, fields);
}

}  // namespace baton::log
