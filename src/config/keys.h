// SPDX-License-Identifier: MIT
#pragma once
// The table of keys of `baton.yaml`: each key once, with its type, limits, default and meaning. The
// check, the JSON Schema and the reference page are made from it, so they cannot disagree.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace baton::config {

enum class Type {
  boolean,
  integer,
  number,
  text,
  name,      // model::check_name
  duration,  // "90s", "1h30m"
  size,      // bytes: 4096, "64MiB"
  address,   // "127.0.0.1:1337"
  url,       // http:// or https://
  path,      // relative to the folder of the file
  choice,    // one of `choices`
  secret,    // {env: NAME} or {file: PATH}
  list,      // of `element`
  map,       // any key to `element`
  object,    // of `keys`
  any,       // whatever YAML can say, of limited size
};

struct Key;

struct Schema {
  Type type = Type::any;
  std::string about;     // one or two sentences, Markdown
  std::string fallback;  // the default as the file would say it; "" = none
  std::optional<std::int64_t> minimum;
  std::optional<std::int64_t> maximum;
  std::vector<std::string> choices;
  std::vector<Schema> element;  // one, for list and map
  std::vector<Key> keys;
  /// Also valid in place of this one: a single secret where a list of them is allowed.
  std::vector<Schema> alternatives;
};

struct Key {
  std::string name;
  Schema schema;
  bool required = false;
  std::string variable = {};  // the BATON_* variable that sets it
};

/// The whole file. Made once.
const Schema& file_schema();

/// Top-level sections that are accepted and checked, and have no effect in this version.
const std::vector<std::string>& sections_without_effect();

// The sections, each in its own source; file_schema() puts them together.
Schema server_section();
Schema limits_section();
Schema maybe_section();
Schema suites_section();
Schema schedules_section();
Schema environments_section();
Schema links_section();
Schema deliveries_section();
Schema notify_section();

}  // namespace baton::config
