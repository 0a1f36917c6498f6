// SPDX-License-Identifier: MIT
#include "cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <cstdlib>

#include "base/text.h"
#include "wire/error_map.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

const json::value* find(const json::value& value, std::string_view path) {
  const json::value* at = &value;
  for (const std::string_view key : split(path, '.')) {
    const json::object* object = at->if_object();
    if (object == nullptr) return nullptr;
    at = object->if_contains(key);
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::string scalar_text(const json::value& value) {
  if (const auto* text = value.if_string()) return std::string{*text};
  if (value.is_null()) return "";
  if (const auto* object = value.if_object()) {
    std::string text;
    for (const auto& [key, item] : *object)
      text += fmt::format("{}{}={}", text.empty() ? "" : ",", std::string_view{key},
                          scalar_text(item));
    return text;
  }
  if (const auto* array = value.if_array()) {
    std::string text;
    for (const auto& item : *array) text += (text.empty() ? "" : ",") + scalar_text(item);
    return text;
  }
  return json::serialize(value);
}

// Terminal columns, not bytes: a continuation byte of UTF-8 takes no column.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

void put(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void print_table(const json::value& document, const std::vector<Column>& columns) {
  std::vector<std::vector<std::string>> rows(1);
  for (const Column& column : columns) rows[0].push_back(column.title);
  const json::value* items = find(document, "items");
  const json::array* list = items != nullptr ? items->if_array() : document.if_array();
  if (list == nullptr) return;
  for (const json::value& item : *list) {
    auto& row = rows.emplace_back();
    for (const Column& column : columns) {
      std::string cell = harmless(text_at(item, column.path));
      std::replace(cell.begin(), cell.end(), '\n', ' ');
      row.push_back(std::move(cell));
    }
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::size_t widest = 0;
      for (const auto& other : rows) widest = std::max(widest, width(other[i]));
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widest - width(row[i]) + 2, ' ');
    }
    put(line + "\n");
  }
}

bool is_plain_yaml(std::string_view text) {
  static constexpr std::string_view kSafe =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-";
  static constexpr std::string_view kStart =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz/";
  if (text.empty() || text.find_first_not_of(kSafe) != std::string_view::npos) return false;
  if (kStart.find(text[0]) == std::string_view::npos) return false;
  // Words that YAML 1.1 readers take for something else than text.
  const std::string lower = to_lower(text);
  for (const char* word : {"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
    if (lower == word) return false;
  return true;
}

void append_yaml(std::string& out, const json::value& value, std::size_t depth, bool inline_first) {
  const std::string indent(depth * 2, ' ');
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    bool first = inline_first;
    for (const auto& [key, item] : *object) {
      const std::string_view name{key};
      out += (first ? "" : indent) + (is_plain_yaml(name) ? std::string{name} : json_quote(name)) +
             ":";
      first = false;
      const bool nested = (item.is_object() && !item.get_object().empty()) ||
                          (item.is_array() && !item.get_array().empty());
      out += nested ? "\n" : " ";
      append_yaml(out, item, depth + 1, false);
    }
  } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    for (const auto& item : *array) {
      out += indent + "- ";
      append_yaml(out, item, depth + 1, true);
    }
  } else if (const auto* text = value.if_string()) {
    out += is_plain_yaml(*text) ? std::string{*text} : json_quote(*text);
    out += '\n';
  } else {
    out += json::serialize(value) + "\n";
  }
}

}  // namespace

std::string to_yaml(const json::value& value) {
  std::string out;
  append_yaml(out, value, 0, false);
  return out;
}

void print(Output output, const json::value& document, const std::vector<Column>& columns) {
  if (output == Output::json) put(json::serialize(document) + "\n");
  else if (output == Output::yaml) put(to_yaml(document));
  else print_table(document, columns);
}

void print_object(Output output, const json::value& object, const std::vector<Column>& columns) {
  if (output != Output::table) return print(output, object, {});
  std::size_t widest = 0;
  for (const Column& column : columns) widest = std::max(widest, column.title.size());
  for (const Column& column : columns) {
    const std::string text = text_at(object, column.path);
    if (text.empty()) continue;
    put(fmt::format("{:<{}}  {}\n", column.title, widest, harmless(text)));
  }
}

std::string text_at(const json::value& value, std::string_view path) {
  const json::value* found = find(value, path);
  return found == nullptr ? "" : scalar_text(*found);
}

std::int64_t integer_at(const json::value& value, std::string_view path) {
  const json::value* found = find(value, path);
  if (found == nullptr) return 0;
  if (const auto* number = found->if_int64()) return *number;
  if (const auto* number = found->if_uint64()) return static_cast<std::int64_t>(*number);
  return 0;
}

std::string harmless(std::string_view text) {
  std::string out;
  for (const char c : to_valid_utf8(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f)
      out += fmt::format("\\x{:02x}", byte);
    else out += c;
  }
  return out;
}

void say(std::string_view line) {
  std::fflush(stdout);
  std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
}

int report(std::string_view what, const Error& error) {
  say(fmt::format("baton: {}: {}", what, harmless(error.message)));
  // A single one is the message itself.
  const bool same = error.details.size() == 1 &&
                    error.message.find(error.details[0].detail) != std::string::npos;
  for (const ErrorDetail& detail : same ? std::vector<ErrorDetail>{} : error.details)
    say(fmt::format("  {}: {}", harmless(detail.pointer), harmless(detail.detail)));
  say("fix: " + harmless(error.fix.empty() ? wire::fix_of(error.code) : error.fix));
  return wire::exit_code_of(error.code);
}

Error of_file(Error error) {
  // "unavailable" is a server's, with an exit code that says so.
  if (error.code == Code::unavailable) error.code = Code::unprocessable;
  if (error.fix.empty()) error.fix = "check the path and its permissions";
  return error;
}

bool is_terminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && std::getenv("CI") == nullptr &&
         (term == nullptr || std::string_view{term} != "dumb");
}

}  // namespace baton::cli
