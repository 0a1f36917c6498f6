// SPDX-License-Identifier: MIT
// The key table as JSON Schema (draft 2020-12). Built by hand: this room knows no JSON library.
#include <fmt/core.h>

#include "base/text.h"
#include "config/config.h"
#include "config/keys.h"

namespace baton::config {
namespace {

// The same units in the same order as parse_duration(); at least one of them.
constexpr std::string_view kDurationPattern =
    R"(^(0|(?=[0-9])([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$)";
constexpr std::string_view kSizePattern = "^[0-9]+(KiB|MiB|GiB|TiB)?$";
constexpr std::string_view kNamePattern = "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$";

class Writer {
 public:
  std::string text;

  void schema(const Schema& schema, int depth) {
    if (!schema.alternatives.empty()) return alternatives(schema, depth);
    open(depth);
    about(schema);
    kind(schema, depth);
    fallback(schema);
    close(depth);
  }

  // Fields of the object that is being written, each on a line of its own.
  void open(int depth) {
    text += '{';
    depth_ = depth + 1;
    first_ = true;
  }
  void field(std::string_view name, std::string_view json) {
    begin(name);
    text += json;
  }
  void begin(std::string_view name) {
    text += first_ ? "\n" : ",\n";
    first_ = false;
    text.append(static_cast<std::size_t>(depth_) * 2, ' ');
    text += json_quote(name) + ": ";
  }
  void close(int depth) {
    text += '\n';
    text.append(static_cast<std::size_t>(depth) * 2, ' ');
    text += '}';
    // The object around it goes on.
    depth_ = depth;
    first_ = false;
  }

 private:
  void about(const Schema& schema) {
    if (!schema.about.empty()) field("description", json_quote(schema.about));
  }

  void fallback(const Schema& schema) {
    if (schema.fallback.empty()) return;
    const bool plain =
        schema.type == Type::boolean || schema.type == Type::integer || schema.type == Type::number;
    field("default", plain ? schema.fallback : json_quote(schema.fallback));
  }

  void type(std::string_view name) { field("type", json_quote(name)); }
  void pattern(std::string_view expression) {
    type("string");
    field("pattern", json_quote(expression));
  }

  void range(const Schema& schema) {
    if (schema.minimum) field("minimum", std::to_string(*schema.minimum));
    if (schema.maximum) field("maximum", std::to_string(*schema.maximum));
  }

  void kind(const Schema& schema, int depth) {
    switch (schema.type) {
      case Type::boolean: return type("boolean");
      case Type::integer: type("integer"); return range(schema);
      case Type::number: type("number"); return range(schema);
      // Plain YAML text may look like a number; it is taken as written.
      case Type::text: return field("type", R"(["string", "number", "boolean"])");
      case Type::name: return pattern(kNamePattern);
      case Type::duration: return duration();
      case Type::size: return size();
      case Type::address: return pattern(R"(^(\[[^\]]+\]|[^:\s]+):[0-9]{1,5}$)");
      case Type::url: return pattern("^https?://");
      case Type::path: type("string"); return field("minLength", "1");
      case Type::choice: return choices(schema);
      case Type::secret: return secret();
      case Type::list:
        type("array");
        begin("items");
        return this->schema(schema.element.front(), depth + 1);
      case Type::map:
        type("object");
        begin("additionalProperties");
        return this->schema(schema.element.front(), depth + 1);
      case Type::object: return object(schema, depth);
      case Type::any: return;
    }
  }

  void duration() {
    field("type", R"(["string", "integer"])");
    field("pattern", json_quote(kDurationPattern));
    field("maximum", "0");
    field("minimum", "0");
  }

  void size() {
    field("type", R"(["string", "integer"])");
    field("pattern", json_quote(kSizePattern));
    field("minimum", "0");
  }

  void choices(const Schema& schema) {
    std::string list;
    for (const std::string& choice : schema.choices)
      list += (list.empty() ? "" : ", ") + json_quote(choice);
    field("enum", "[" + list + "]");
  }

  void secret() {
    type("object");
    field(
        "properties",
        R"({"env": {"type": "string", "minLength": 1},)"
          R"( "file": {"type": "string", "minLength": 1}})");
    field("additionalProperties", "false");
    field("minProperties", "1");
    field("maxProperties", "1");
  }

  void object(const Schema& schema, int depth) {
    type("object");
    begin("properties");
    open(depth + 1);
    std::string required;
    for (const Key& key : schema.keys) {
      begin(key.name);
      this->schema(key.schema, depth + 2);
      if (key.required) required += (required.empty() ? "" : ", ") + json_quote(key.name);
    }
    if (schema.keys.empty())
      text += "}", depth_ = depth + 1;
    else
      close(depth + 1);
    if (!required.empty()) field("required", "[" + required + "]");
    if (depth == 0) field("patternProperties", R"({"^x-": {}})");
    field("additionalProperties", "false");
  }

  void alternatives(const Schema& whole, int depth) {
    Schema own = whole;
    own.alternatives.clear();
    own.about.clear();
    own.fallback.clear();
    open(depth);
    about(whole);
    begin("anyOf");
    text += '[';
    schema(own, depth + 1);
    for (const Schema& other : whole.alternatives) {
      text += ", ";
      schema(other, depth + 1);
    }
    text += ']';
    fallback(whole);
    close(depth);
  }

  int depth_ = 0;
  bool first_ = true;
};

}  // namespace

std::string json_schema() {
  Writer writer;
  Schema file = file_schema();
  writer.schema(file, 0);
  // The two fields that say what this document is come first.
  const std::string head =
      "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
      "  \"title\": \"baton.yaml\",";
  return head + writer.text.substr(1) + "\n";
}

}  // namespace baton::config
