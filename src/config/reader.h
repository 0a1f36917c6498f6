// SPDX-License-Identifier: MIT
#pragma once
// For what turns the tree into structures only: values of one map with the defaults of the key
// table, and what all sections need.
#include <charconv>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "base/time.h"
#include "config/check.h"
#include "config/keys.h"
#include "config/read.h"

namespace baton::config {

// Values of one map of the tree, with defaults from the key table. A key is looked up by the name
// that the table has; a malformed value reads as its default, because check() has refused the file.
class Reader {
 public:
  Reader(const Node* node, const Schema& schema) : node_(node), schema_(schema) {}

  Reader section(std::string_view name) const { return Reader(value(name), key(name)); }
  bool has(std::string_view name) const { return value(name) != nullptr; }

  std::string text(std::string_view name) const {
    const Node* found = value(name);
    return found != nullptr && found->type == Node::Type::scalar ? found->scalar
                                                                 : key(name).fallback;
  }
  bool boolean(std::string_view name) const { return text(name) == "true"; }
  std::int64_t integer(std::string_view name) const {
    const auto number = [](const std::string& from, std::int64_t& to) {
      const char* end = from.data() + from.size();
      const auto [stop, error] = std::from_chars(from.data(), end, to);
      return error == std::errc() && stop == end;
    };
    std::int64_t value = 0;
    if (!number(text(name), value)) number(key(name).fallback, value);
    return value;
  }
  double number(std::string_view name) const { return std::strtod(text(name).c_str(), nullptr); }
  int small(std::string_view name) const {
    const std::int64_t value = integer(name);
    return value < INT32_MIN || value > INT32_MAX ? 0 : static_cast<int>(value);
  }
  Duration duration(std::string_view name) const {
    return parse_duration(text(name)).value_or(Duration{0});
  }
  std::int64_t size(std::string_view name) const { return parse_size(text(name)).value_or(0); }

  std::vector<std::string> texts(std::string_view name) const {
    std::vector<std::string> out;
    if (const Node* found = value(name))
      for (const Node& item : found->items) out.push_back(item.scalar);
    return out;
  }
  std::map<std::string, std::string> text_map(std::string_view name) const {
    std::map<std::string, std::string> out;
    if (const Node* found = value(name))
      for (const auto& [key, item] : found->members) out.emplace(key, item.scalar);
    return out;
  }

  const Node* value(std::string_view name) const {
    return node_ == nullptr ? nullptr : node_->find(name);
  }

 private:
  const Schema& key(std::string_view name) const {
    for (const Key& candidate : schema_.keys)
      if (candidate.name == name) return candidate.schema;
    static const Schema kNone;
    return kNone;
  }

  const Node* node_;
  const Schema& schema_;
};

/// The path below the folder, without dots.
std::string absolute(const std::string& folder, const std::string& path);

void report(std::vector<Problem>& problems, const Node& node, std::string path, std::string message,
            std::string fix = {});

/// The value of {env: NAME} or {file: PATH}, without the newline that editors put at the end.
/// Errors: invalid (not set), and those of reading the file.
Result<std::string> resolve_secret(const Node& node, const Folders& folders);

/// links: every profile with its secrets' values. Appends the problems that only show here.
std::vector<model::LinkProfile> read_links(const Node& root, const Folders& folders,
                                           std::vector<Problem>& problems);

}  // namespace baton::config
