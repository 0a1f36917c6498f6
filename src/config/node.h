// SPDX-License-Identifier: MIT
#pragma once
// A parsed YAML document as a tree in which every value knows its place. Aliases are copied in,
// with a budget, so that a small file cannot become a big tree. Knows nothing of the keys.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace baton::config {

/// Where a value was written. line and column count from 1; 0 where they mean nothing.
struct Place {
  std::string source;  // "baton.yaml", "$BATON_LISTEN", "--listen"
  int line = 0;
  int column = 0;
  std::string text() const;  // "baton.yaml:3:11"
};

struct Node {
  enum class Type { null, scalar, list, map };
  struct Member;

  Type type = Type::null;
  Place place;
  std::string scalar;
  bool quoted = false;  // a quoted scalar is text, never a number or a boolean
  std::vector<Node> items;
  std::vector<Member> members;  // in the order of the file; names are unique

  const Node* find(std::string_view name) const;
  /// The member `name`, made (null, at this node's place) where it is missing. Becomes a map.
  Node& member(std::string_view name);
};

struct Node::Member {
  std::string name;
  Node value;
};

// A configuration of thousands of suites fits; what is beyond is a mistake or an attack.
inline constexpr std::size_t kConfigBytesMax = 4U << 20;
inline constexpr std::size_t kConfigNodesMax = 200'000;
inline constexpr std::size_t kConfigDepthMax = 32;

/// Parses one YAML document. An empty one is an empty map.
/// source: how places name it.  Errors: invalid (the message begins with the place), too_large.
Result<Node> parse_yaml(std::string_view text, const std::string& source);

}  // namespace baton::config
