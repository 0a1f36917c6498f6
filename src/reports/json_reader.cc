// SPDX-License-Identifier: MIT
#include "reports/json_reader.h"

#include <algorithm>
#include <boost/json/stream_parser.hpp>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "reports/limits.h"

namespace baton::reports {
namespace {

Error at_offset(std::string_view bytes, std::size_t offset, std::string_view filename,
                std::string_view what) {
  const std::string_view before = bytes.substr(0, offset);
  const auto lines = static_cast<std::uint64_t>(std::count(before.begin(), before.end(), '\n'));
  const auto newline = before.rfind('\n');
  const std::size_t column = newline == std::string_view::npos ? offset : offset - newline - 1;
  return malformed(filename, lines + 1, column + 1, what);
}

const json::value& field(const json::object& object, std::string_view key) {
  static const json::value none;
  const auto* found = object.if_contains(json::string_view(key.data(), key.size()));
  return found == nullptr ? none : *found;
}

}  // namespace

Result<json::value> parse_json(std::string_view bytes, std::string_view filename) {
  if (bytes.size() > kJsonBytesMax) {
    return fail(Code::too_large, "{} is longer than {} bytes", to_valid_utf8(filename),
                kJsonBytesMax);
  }
  if (bytes.substr(0, 3) == "\xEF\xBB\xBF") bytes.remove_prefix(3);
  json::parse_options options;
  options.max_depth = kDepthMax;
  json::stream_parser parser({}, options);
  json::error_code error;
  try {
    const std::size_t read = parser.write_some(bytes.data(), bytes.size(), error);
    if (!error && read < bytes.size()) {
      const auto rest = bytes.find_first_not_of(" \t\r\n", read);
      if (rest != std::string_view::npos) {
        return tl::unexpected(at_offset(bytes, rest, filename, "something follows the document"));
      }
    }
    if (!error && !parser.done()) parser.finish(error);
    if (!error) return parser.release();
    const bool truncated = error == json::error::incomplete;
    const std::size_t where = truncated ? bytes.size() : read;
    return tl::unexpected(at_offset(bytes, where, filename,
                                    truncated ? "the document ends too early" : error.message()));
  } catch (const std::exception& thrown) {  // out of memory, a length beyond the library's
    return fail(Code::too_large, "{}: {}", to_valid_utf8(filename), thrown.what());
  }
}

const json::object& as_object(const json::value& value) {
  static const json::object none;
  const auto* object = value.if_object();
  return object == nullptr ? none : *object;
}

const json::array& as_array(const json::value& value) {
  static const json::array none;
  const auto* array = value.if_array();
  return array == nullptr ? none : *array;
}

const json::object& object_in(const json::object& object, std::string_view key) {
  return as_object(field(object, key));
}

const json::array& array_in(const json::object& object, std::string_view key) {
  return as_array(field(object, key));
}

std::string text_of(const json::value& value) {
  const auto* text = value.if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

std::string text_in(const json::object& object, std::string_view key) {
  return text_of(field(object, key));
}

double number_in(const json::object& object, std::string_view key) {
  const json::value& value = field(object, key);
  if (const auto* number = value.if_double()) return std::isfinite(*number) ? *number : 0;
  if (const auto* number = value.if_int64()) return static_cast<double>(*number);
  if (const auto* number = value.if_uint64()) return static_cast<double>(*number);
  return 0;
}

int int_in(const json::object& object, std::string_view key) {
  const double number = number_in(object, key);
  if (!(number > 0)) return 0;
  return static_cast<int>(std::min(number, double{std::numeric_limits<int>::max()}));
}

bool is_true(const json::object& object, std::string_view key) {
  const auto* value = field(object, key).if_bool();
  return value != nullptr && *value;
}

Result<void> JsonReportParser::feed(std::string_view bytes) {
  if (bytes_.size() + bytes.size() > kJsonBytesMax) {
    return fail(Code::too_large, "{} is longer than {} bytes", to_valid_utf8(filename_),
                kJsonBytesMax);
  }
  bytes_ += bytes;
  return {};
}

Result<Summary> JsonReportParser::finish() {
  BATON_TRY(document, parse_json(bytes_, filename_));
  bytes_ = {};
  BATON_TRY_VOID(read(document));
  return std::move(cases_.summary());
}

}  // namespace baton::reports
