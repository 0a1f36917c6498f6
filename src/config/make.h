// SPDX-License-Identifier: MIT
#pragma once
// Short forms for writing the key table.
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "config/keys.h"

namespace baton::config::make {

inline Schema of(Type type, std::string about, std::string fallback = {}) {
  Schema schema;
  schema.type = type;
  schema.about = std::move(about);
  schema.fallback = std::move(fallback);
  return schema;
}
inline Schema text(std::string about, std::string fallback = {}) {
  return of(Type::text, std::move(about), std::move(fallback));
}
inline Schema boolean(std::string about, bool fallback) {
  return of(Type::boolean, std::move(about), fallback ? "true" : "false");
}
inline Schema duration(std::string about, std::string fallback = {}) {
  return of(Type::duration, std::move(about), std::move(fallback));
}
inline Schema limited(Schema schema, std::int64_t minimum, std::int64_t maximum) {
  schema.minimum = minimum;
  schema.maximum = maximum;
  return schema;
}
/// milliseconds: the shortest duration that is taken.
inline Schema at_least(std::int64_t milliseconds, Schema schema) {
  schema.minimum = milliseconds;
  return schema;
}
inline Schema integer(std::string about, std::string fallback, std::int64_t minimum,
                      std::int64_t maximum) {
  return limited(of(Type::integer, std::move(about), std::move(fallback)), minimum, maximum);
}
inline Schema choice(std::string about, std::string fallback, std::vector<std::string> choices) {
  Schema schema = of(Type::choice, std::move(about), std::move(fallback));
  schema.choices = std::move(choices);
  return schema;
}
inline Schema secret(std::string about) { return of(Type::secret, std::move(about)); }
inline Schema list(std::string about, Schema element) {
  Schema schema = of(Type::list, std::move(about));
  schema.element.push_back(std::move(element));
  return schema;
}
inline Schema map(std::string about, Schema element) {
  Schema schema = of(Type::map, std::move(about));
  schema.element.push_back(std::move(element));
  return schema;
}
inline Schema object(std::string about, std::vector<Key> keys) {
  Schema schema = of(Type::object, std::move(about));
  schema.keys = std::move(keys);
  return schema;
}
inline Schema texts(std::string about) { return list(std::move(about), text("")); }
inline Schema labels(std::string about) { return map(std::move(about), text("")); }
/// One secret, or several while they are rotated.
inline Schema secrets(std::string about) {
  Schema schema = secret(std::move(about));
  schema.alternatives.push_back(list("", secret("")));
  return schema;
}

}  // namespace baton::config::make
