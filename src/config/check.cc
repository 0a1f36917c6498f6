// SPDX-License-Identifier: MIT
#include "config/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/address.h"
#include "base/text.h"

namespace baton::config {
namespace {

std::string_view shape_of(const Node& node) {
  switch (node.type) {
    case Node::Type::null: return "nothing";
    case Node::Type::scalar: return "a single value";
    case Node::Type::list: return "a list";
    case Node::Type::map: return "keys with values";
  }
  return "";
}

class Checker {
 public:
  explicit Checker(std::vector<Problem>& problems) : problems_(problems) {}

  void check(const Node& node, const Schema& schema, const std::string& path) {
    if (schema.type == Type::any) return;
    if (node.type == Node::Type::null) {
      report(node, path, "it has no value", "give it one, or remove the key");
      return;
    }
    if (const Schema* other = alternative(node, schema)) return check(node, *other, path);
    switch (schema.type) {
      case Type::object: return check_object(node, schema, path);
      case Type::secret: return check_secret(node, path);
      case Type::map: return check_map(node, schema, path);
      case Type::list: return check_list(node, schema, path);
      default: return check_scalar(node, schema, path);
    }
  }

 private:
  static bool is_structure(Type type) {
    return type == Type::object || type == Type::map || type == Type::secret;
  }

  // The alternative whose shape is the node's, where the schema's own shape is not.
  static const Schema* alternative(const Node& node, const Schema& schema) {
    const auto fits = [&](const Schema& s) {
      if (node.type == Node::Type::list) return s.type == Type::list;
      return (node.type == Node::Type::map) == is_structure(s.type) && s.type != Type::list;
    };
    if (fits(schema)) return nullptr;
    for (const Schema& other : schema.alternatives)
      if (fits(other)) return &other;
    return nullptr;
  }

  void report(const Node& node, const std::string& path, std::string message,
              std::string fix = {}) {
    problems_.push_back(Problem{node.place.text(), path, std::move(message), std::move(fix)});
  }

  bool expect(const Node& node, Node::Type type, const std::string& path, std::string_view wanted,
              std::string fix = {}) {
    if (node.type == type) return true;
    report(node, path, fmt::format("{} expected, {} found", wanted, shape_of(node)),
           std::move(fix));
    return false;
  }

  void check_object(const Node& node, const Schema& schema, const std::string& path) {
    if (!expect(node, Node::Type::map, path, "keys with values are")) return;
    for (const auto& [name, value] : node.members) {
      const auto same = [&name = name](const Key& k) { return k.name == name; };
      const auto key = std::find_if(schema.keys.begin(), schema.keys.end(), same);
      if (key != schema.keys.end())
        check(value, key->schema, path + pointer_part(name));
      else if (!path.empty() || !name.starts_with("x-"))
        report_unknown(value, name, schema, path);
    }
    for (const Key& key : schema.keys)
      if (key.required && node.find(key.name) == nullptr)
        report(node, path, fmt::format("the key `{}` is missing", key.name),
               fmt::format("add `{}:`", key.name));
  }

  void report_unknown(const Node& value, const std::string& name, const Schema& schema,
                      const std::string& path) {
    std::vector<std::string> known;
    for (const Key& key : schema.keys) known.push_back(key.name);
    const std::string near = nearest(name, known);
    std::string fix = near.empty() ? fmt::format("the keys here are {}", fmt::join(known, ", "))
                                   : fmt::format("did you mean `{}`?", near);
    report(value, path + pointer_part(name), "the key is unknown", std::move(fix));
  }

  void check_map(const Node& node, const Schema& schema, const std::string& path) {
    if (!expect(node, Node::Type::map, path, "names with values are")) return;
    for (const auto& [name, value] : node.members) {
      if (name.empty() || has_control_bytes(name))
        report(value, path, "a name here is empty or has control characters");
      check(value, schema.element.front(), path + pointer_part(name));
    }
  }

  void check_list(const Node& node, const Schema& schema, const std::string& path) {
    const std::string fix =
        node.type == Node::Type::scalar ? fmt::format("write [{}]", node.scalar) : "";
    if (!expect(node, Node::Type::list, path, "a list is", fix)) return;
    for (std::size_t i = 0; i < node.items.size(); ++i)
      check(node.items[i], schema.element.front(), fmt::format("{}/{}", path, i));
  }

  void check_secret(const Node& node, const std::string& path) {
    const std::string fix = "write {env: NAME} or {file: PATH}";
    if (node.type != Node::Type::map) {
      // The value itself is not repeated: it may be the secret.
      report(node, path, "a secret is given as a reference, never as its value", fix);
      return;
    }
    const bool one = node.members.size() == 1 && node.members[0].value.type == Node::Type::scalar;
    const std::string name = one ? node.members[0].name : "";
    if (name != "env" && name != "file") {
      report(node, path, "a secret has exactly one of `env` and `file`", fix);
    } else if (node.members[0].value.scalar.empty()) {
      report(node, path, "the reference is empty", fix);
    }
  }

  void check_scalar(const Node& node, const Schema& schema, const std::string& path) {
    if (!expect(node, Node::Type::scalar, path, "a single value is")) return;
    const std::string& text = node.scalar;
    switch (schema.type) {
      case Type::boolean:
        if (node.quoted || (text != "true" && text != "false"))
          report(node, path, fmt::format("\"{}\" is neither true nor false", text));
        break;
      case Type::integer:
      case Type::number: return check_number(node, schema, path);
      case Type::choice:
        if (std::find(schema.choices.begin(), schema.choices.end(), text) == schema.choices.end())
          report_choice(node, schema, path);
        break;
      case Type::duration: return check_duration(node, schema, path);
      case Type::name: return check_result(node, path, model::check_name("the name", text));
      case Type::address: return check_result(node, path, parse_address(text));
      case Type::size: return check_size(node, schema, path);
      case Type::url:
        return check_url(node, path);
      case Type::path:
        if (text.empty()) report(node, path, "the path is empty");
        break;
      default: break;
    }
    if (text.find('\0') != std::string::npos) report(node, path, "the text has a NUL character");
  }

  void check_duration(const Node& node, const Schema& schema, const std::string& path) {
    const auto value = parse_duration(node.scalar);
    if (!value) return check_result(node, path, value);
    if (schema.minimum && value->count() < *schema.minimum)
      report(node, path, fmt::format("{} is too short; the least is {}", node.scalar,
                                     format_duration(Duration{*schema.minimum})));
  }

  void check_url(const Node& node, const std::string& path) {
    const std::string& text = node.scalar;
    const auto scheme = text.find("://");
    if (!text.starts_with("http://") && !text.starts_with("https://"))
      return report(node, path, fmt::format("\"{}\" is not a URL", text),
                    "begin it with https:// or http://");
    const auto end = text.find_first_of("/?#", scheme + 3);
    // It would be in answers and logs; it is not repeated here, either.
    if (text.substr(0, end).find('@') != std::string::npos)
      report(node, path, "the URL has credentials in it",
             "give them as a secret beside it: user and password, or a token");
  }

  void report_choice(const Node& node, const Schema& schema, const std::string& path) {
    const std::string near = nearest(node.scalar, schema.choices);
    report(node, path,
           fmt::format("\"{}\" is not one of {}", node.scalar, fmt::join(schema.choices, ", ")),
           near.empty() ? "" : fmt::format("did you mean `{}`?", near));
  }

  void check_number(const Node& node, const Schema& schema, const std::string& path) {
    const std::string& text = node.scalar;
    const char* end = text.data() + text.size();
    double number = 0;
    std::int64_t integer = 0;
    const bool whole = schema.type == Type::integer;
    const auto [stop, error] = whole ? std::from_chars(text.data(), end, integer)
                                     : std::from_chars(text.data(), end, number);
    if (node.quoted || text.empty() || error != std::errc() || stop != end ||
        !std::isfinite(number)) {
      report(node, path, fmt::format("\"{}\" is not a{} number", text, whole ? " whole" : ""),
             node.quoted ? "write it without quotes" : "");
      return;
    }
    const double value = whole ? static_cast<double>(integer) : number;
    check_range(node, schema, path, value);
  }

  void check_size(const Node& node, const Schema& schema, const std::string& path) {
    const auto bytes = parse_size(node.scalar);
    if (bytes)
      check_range(node, schema, path, static_cast<double>(*bytes));
    else
      check_result(node, path, bytes);
  }

  void check_range(const Node& node, const Schema& schema, const std::string& path, double value) {
    if (schema.minimum && value < static_cast<double>(*schema.minimum))
      report(node, path,
             fmt::format("{} is too small; the least is {}", node.scalar, *schema.minimum));
    if (schema.maximum && value > static_cast<double>(*schema.maximum))
      report(node, path,
             fmt::format("{} is too large; the most is {}", node.scalar, *schema.maximum));
  }

  template <class T>
  void check_result(const Node& node, const std::string& path, const Result<T>& result) {
    if (!result) report(node, path, result.error().message, result.error().fix);
  }

  std::vector<Problem>& problems_;
};

}  // namespace

void check(const Node& node, const Schema& schema, const std::string& path,
           std::vector<Problem>& problems) {
  Checker(problems).check(node, schema, path);
}

std::string pointer_part(std::string_view name) {
  std::string out = "/";
  for (const char c : name) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

Result<std::int64_t> parse_size(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
  static constexpr std::string_view kUnits[] = {"", "KiB", "MiB", "GiB", "TiB"};
  const auto found = std::find(std::begin(kUnits), std::end(kUnits), unit);
  const auto shift = 10 * (found - std::begin(kUnits));
  if (error != std::errc() || number < 0 || found == std::end(kUnits) ||
      number > (INT64_MAX >> shift))
    return fail_with_fix(Code::invalid, "write bytes, or 64KiB, 64MiB, 1GiB",
                         "\"{}\" is not a size", text);
  return number << shift;
}

Result<Address> parse_address(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return fail_with_fix(Code::invalid, "write it as 127.0.0.1:1337 or [::1]:1337",
                         "\"{}\" is not an address: {}", text, why);
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad("the port is missing");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad("an IPv6 address stands in brackets");
  }
  if (host.empty()) return bad("the host is missing; 0.0.0.0 means every address");
  if (has_control_bytes(host) || host.find_first_of(" /@[]") != std::string_view::npos)
    return bad("the host has a character that no host has");
  Address address{std::string(host), 0};
  const char* end = port.data() + port.size();
  const auto [stop, error] = std::from_chars(port.data(), end, address.port);
  if (error != std::errc() || stop != end || address.port < 0 || address.port > 65'535)
    return bad("the port is a number from 0 to 65535");
  return address;
}

bool is_loopback(const Address& address) {
  return is_loopback_host(address.host);
}

}  // namespace baton::config
