// SPDX-License-Identifier: MIT
// Where each setting comes from: putting variables and flags over the file, and telling the result.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/check.h"
#include "config/read.h"

namespace baton::config {
namespace {

Node override_node(const std::string& value, const std::string& source) {
  Node node;
  node.type = Node::Type::scalar;
  node.scalar = value;
  node.place.source = source;
  return node;
}

void set(Node& root, std::string_view key, const Node& value) {
  Node* node = &root;
  for (const std::string_view part : split(key, '.')) node = &node->member(part);
  *node = value;
}

void merge_variables(Node& root, const Schema& schema, const std::string& prefix,
                     const std::map<std::string, std::string>& variables) {
  for (const Key& key : schema.keys) {
    if (!key.variable.empty()) {
      const auto found = variables.find(key.variable);
      // An empty variable is how many shells and unit files say "not set".
      if (found != variables.end() && !found->second.empty())
        set(root, prefix + key.name, override_node(found->second, "$" + found->first));
    }
    if (key.schema.type == Type::object)
      merge_variables(root, key.schema, prefix + key.name + ".", variables);
  }
}

// The schema of "server.listen", or nothing.
const Schema* schema_of(std::string_view key) {
  const Schema* schema = &file_schema();
  for (const std::string_view part : split(key, '.')) {
    const auto same = [&](const Key& k) { return k.name == part; };
    const auto found = std::find_if(schema->keys.begin(), schema->keys.end(), same);
    if (found == schema->keys.end()) return nullptr;
    schema = &found->schema;
  }
  return schema;
}

class Teller {
 public:
  std::vector<Setting> settings;

  void tell(const Node* node, const Schema& schema, const std::string& key) {
    if (schema.type == Type::object) {
      for (const Key& part : schema.keys)
        tell(node == nullptr ? nullptr : node->find(part.name), part.schema,
             key.empty() ? part.name : key + "." + part.name);
    } else if (node == nullptr) {
      if (!schema.fallback.empty()) settings.push_back({key, schema.fallback, "default"});
    } else {
      tell_present(*node, schema, key);
    }
  }

 private:
  void tell_present(const Node& node, const Schema& schema, const std::string& key) {
    if (node.type == Node::Type::scalar) {
      settings.push_back({key, mask_password(node.scalar), node.place.text()});
    } else if (is_flat(node)) {
      settings.push_back({key, flat(node), node.place.text()});
    } else if (schema.type == Type::list && node.type == Node::Type::list) {
      for (std::size_t i = 0; i < node.items.size(); ++i)
        tell_element(node.items[i], schema, fmt::format("{}[{}]", key, i));
    } else if (node.type == Node::Type::map) {
      for (const auto& [name, value] : node.members) tell_element(value, schema, key + "." + name);
    }
  }

  // Inside lists and maps only what is written is told, so that a thousand suites stay readable.
  void tell_element(const Node& node, const Schema& schema, const std::string& key) {
    const bool known = !schema.element.empty();
    if (known && schema.element.front().type == Type::object && node.type == Node::Type::map) {
      for (const Key& part : schema.element.front().keys)
        if (const Node* value = node.find(part.name))
          tell(value, part.schema, key + "." + part.name);
    } else {
      tell_present(node, known ? schema.element.front() : schema, key);
    }
  }

  static bool is_flat(const Node& node) {
    const auto scalar = [](const Node& n) { return n.type == Node::Type::scalar; };
    return std::all_of(node.items.begin(), node.items.end(), scalar) &&
           std::all_of(node.members.begin(), node.members.end(),
                       [&](const Node::Member& m) { return scalar(m.value); });
  }

  static std::string flat(const Node& node) {
    std::vector<std::string> parts;
    for (const Node& item : node.items) parts.push_back(item.scalar);
    for (const auto& [name, value] : node.members)
      parts.push_back(fmt::format("{}: {}", name, value.scalar));
    const bool list = node.type == Node::Type::list;
    return fmt::format("{}{}{}", list ? "[" : "{", fmt::join(parts, ", "), list ? "]" : "}");
  }
};

}  // namespace

void merge_overrides(Node& root, const Sources& sources, std::vector<Problem>& problems) {
  merge_variables(root, file_schema(), "", sources.variables);
  for (const Flag& flag : sources.flags) {
    if (schema_of(flag.key) == nullptr) {
      problems.push_back({flag.name, "", fmt::format("there is no key {}", flag.key), ""});
      continue;
    }
    set(root, flag.key, override_node(flag.value, flag.name));
  }
}

std::vector<Setting> settings_of(const Node& root) {
  Teller teller;
  teller.tell(&root, file_schema(), "");
  return std::move(teller.settings);
}

std::string mask_password(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const std::size_t from = scheme + 3;
  const std::size_t at = url.substr(from, url.find('/', from) - from).rfind('@');
  if (at == std::string_view::npos) return std::string(url);
  const std::size_t colon = url.substr(from, at).find(':');
  if (colon == std::string_view::npos) return std::string(url);
  return fmt::format("{}:***{}", url.substr(0, from + colon), url.substr(from + at));
}

}  // namespace baton::config
