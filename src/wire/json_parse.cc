// SPDX-License-Identifier: MIT
// The strict parser: Boost.JSON's event parser with a handler that also refuses duplicate keys and
// U+0000, which the library's own parser takes silently.
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_stack.hpp>

#include <set>

#include "wire/json_reader.h"

namespace baton::wire {
namespace {

namespace json = boost::json;

class Handler {
 public:
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = 4096;
  static constexpr std::size_t max_string_size = kJsonTextMax;

  json::value_stack stack;
  std::string fault;    // what the parser cannot know; "" when it is a matter of syntax
  std::string pointer;  // where

  bool on_document_begin(json::error_code&) {
    stack.reset();
    return true;
  }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) {
    levels_.push_back({.is_object = true});
    return true;
  }
  bool on_object_end(std::size_t n, json::error_code&) {
    levels_.pop_back();
    stack.push_object(n);
    return count();
  }
  bool on_array_begin(json::error_code&) {
    levels_.push_back({.is_object = false});
    return true;
  }
  bool on_array_end(std::size_t n, json::error_code&) {
    levels_.pop_back();
    stack.push_array(n);
    return count();
  }
  bool on_key_part(json::string_view s, std::size_t, json::error_code&) {
    key_.append(s.data(), s.size());
    stack.push_chars(s);
    return true;
  }
  bool on_key(json::string_view s, std::size_t, json::error_code& ec) {
    key_.append(s.data(), s.size());
    stack.push_key(s);
    Level& level = levels_.back();
    level.key = std::move(key_);
    key_.clear();
    if (!level.keys.insert(level.key).second) return refuse("the key appears twice", ec);
    if (level.key.find('\0') != std::string::npos) return refuse("the key holds U+0000", ec);
    return true;
  }
  bool on_string_part(json::string_view s, std::size_t, json::error_code& ec) {
    stack.push_chars(s);
    return check_text(s, ec);
  }
  bool on_string(json::string_view s, std::size_t, json::error_code& ec) {
    stack.push_string(s);
    return check_text(s, ec) && count();
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t i, json::string_view, json::error_code&) {
    stack.push_int64(i);
    return count();
  }
  bool on_uint64(std::uint64_t u, json::string_view, json::error_code&) {
    stack.push_uint64(u);
    return count();
  }
  bool on_double(double d, json::string_view, json::error_code&) {
    stack.push_double(d);
    return count();
  }
  bool on_bool(bool b, json::error_code&) {
    stack.push_bool(b);
    return count();
  }
  bool on_null(json::error_code&) {
    stack.push_null();
    return count();
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  struct Level {
    bool is_object;
    std::set<std::string> keys = {};
    std::string key = {};
    std::size_t index = 0;
  };

  bool count() {
    if (!levels_.empty() && !levels_.back().is_object) ++levels_.back().index;
    return true;
  }
  bool check_text(json::string_view s, json::error_code& ec) {
    if (s.find('\0') == json::string_view::npos) return true;
    return refuse("the text holds U+0000, which cannot be stored", ec);
  }
  bool refuse(const char* why, json::error_code& ec) {
    fault = why;
    for (const Level& level : levels_)
      pointer += "/" + (level.is_object ? pointer_part(level.key) : std::to_string(level.index));
    ec = json::error::syntax;
    return false;
  }

  std::vector<Level> levels_;
  std::string key_;
};

std::string describe(const json::error_code& ec) {
  if (ec == json::error::too_deep)
    return fmt::format("nested deeper than {} levels", kJsonDepthMax);
  if (ec == json::error::incomplete) return "it ends too early";
  if (ec == json::error::extra_data) return "something follows the value";
  if (ec == json::error::string_too_large)
    return fmt::format("a text is longer than {} bytes", kJsonTextMax);
  return ec.message();
}

}  // namespace

std::string pointer_part(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

Result<boost::json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = kJsonDepthMax;
  json::basic_parser<Handler> parser(options);
  json::error_code ec;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && read < text.size()) ec = json::error::extra_data;
  Handler& handler = parser.handler();
  if (!handler.fault.empty()) {
    auto error = fail(Code::invalid, "the JSON is not acceptable at \"{}\": {}", handler.pointer,
                      handler.fault);
    error.value().details.push_back({handler.pointer, handler.fault});
    return error;
  }
  if (ec) {
    auto error =
        fail(Code::invalid, "the body is not valid JSON at byte {}: {}", read, describe(ec));
    error.value().fix = "send one JSON object, UTF-8";
    return error;
  }
  return handler.stack.release();
}

}  // namespace baton::wire
