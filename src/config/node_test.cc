// SPDX-License-Identifier: MIT
#include "config/node.h"

#include <gtest/gtest.h>

namespace baton::config {
namespace {

Node parse(std::string_view text) {
  auto node = parse_yaml(text, "baton.yaml");
  EXPECT_TRUE(node) << (node ? "" : node.error().message);
  return node ? *std::move(node) : Node{};
}

std::string refusal(std::string_view text) {
  const auto node = parse_yaml(text, "baton.yaml");
  EXPECT_FALSE(node) << text;
  return node ? "" : node.error().message;
}

TEST(ConfigNode, every_value_knows_its_place) {
  const Node root = parse("server:\n  listen: 127.0.0.1:1337\nsuites:\n  - {name: a}\n");
  EXPECT_EQ(root.find("server")->place.text(), "baton.yaml:1:1");
  EXPECT_EQ(root.find("server")->find("listen")->place.text(), "baton.yaml:2:11");
  EXPECT_EQ(root.find("suites")->items[0].find("name")->place.text(), "baton.yaml:4:12");
}

TEST(ConfigNode, an_empty_document_is_an_empty_map) {
  for (const char* text : {"", "# nothing\n", "---\n", "~\n"}) {
    const Node root = parse(text);
    EXPECT_EQ(root.type, Node::Type::map) << text;
    EXPECT_TRUE(root.members.empty()) << text;
  }
}

TEST(ConfigNode, quoted_text_is_told_from_plain_text) {
  const Node root = parse("{a: 3, b: \"3\", c: '3'}");
  EXPECT_FALSE(root.find("a")->quoted);
  EXPECT_TRUE(root.find("b")->quoted);
  EXPECT_TRUE(root.find("c")->quoted);
}

TEST(ConfigNode, aliases_are_copied) {
  const Node root = parse("x: &x {a: 1}\ny: *x\n");
  EXPECT_EQ(root.find("y")->find("a")->scalar, "1");
}

TEST(ConfigNode, merged_members_give_way_to_written_ones) {
  const Node root = parse("x: &x {a: 1, b: 1}\ny: {a: 2, <<: *x}\nz: {<<: *x, a: 3}\n");
  EXPECT_EQ(root.find("y")->find("a")->scalar, "2");
  EXPECT_EQ(root.find("y")->find("b")->scalar, "1");
  EXPECT_EQ(root.find("z")->find("a")->scalar, "3");
  EXPECT_EQ(root.find("z")->members.size(), 2U);
}

TEST(ConfigNode, a_key_written_twice_is_refused_at_the_second) {
  EXPECT_EQ(refusal("a: 1\nb: 2\na: 3\n"), "baton.yaml:3:1: the key \"a\" is written twice");
  // What one map merges does not excuse its neighbour.
  EXPECT_NE(refusal("x: &x {a: 1}\ny: {<<: *x}\nz: {a: 1, a: 2}\n"), "");
}

TEST(ConfigNode, an_alias_bomb_is_refused) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    text += fmt::format("a{0}: &a{0} [", i);
    for (int k = 0; k < 10; ++k) text += fmt::format("{}*a{}", k > 0 ? ", " : "", i - 1);
    text += "]\n";
  }
  EXPECT_NE(refusal(text).find("more than 200000 values"), std::string::npos);
}

TEST(ConfigNode, deep_nesting_is_refused) {
  EXPECT_NE(refusal(std::string(40, '[') + std::string(40, ']')).find("deeper than 32"),
            std::string::npos);
  EXPECT_NE(refusal(std::string(100'000, '[')), "");
  // Aliases do not go around it.
  const std::string twenty = std::string(20, '[') + "x" + std::string(20, ']');
  const std::string around = std::string(20, '[') + "*a" + std::string(20, ']');
  EXPECT_NE(refusal("a: &a " + twenty + "\nb: " + around + "\n").find("deeper than 32"),
            std::string::npos);
}

TEST(ConfigNode, what_is_too_long_is_refused) {
  const auto node = parse_yaml(std::string(kConfigBytesMax + 1, '#'), "baton.yaml");
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().code, Code::too_large);
}

TEST(ConfigNode, a_value_cannot_contain_itself) { EXPECT_NE(refusal("a: &a [*a]\n"), ""); }

TEST(ConfigNode, malformed_text_is_refused_with_its_place) {
  EXPECT_EQ(refusal("a: [1, 2\n").substr(0, 11), "baton.yaml:");
  EXPECT_NE(refusal("a: 1\n b: 2\n"), "");
  EXPECT_NE(refusal("a: !!binary aGk=\n").find("tag"), std::string::npos);
  EXPECT_NE(refusal("a: 1\n---\nb: 1\n").find("second document"), std::string::npos);
  EXPECT_NE(refusal("? [a]\n: b\n").find("key must be plain"), std::string::npos);
  EXPECT_NE(refusal("a: \xff\xfe\xfd\n"), "");
}

}  // namespace
}  // namespace baton::config
