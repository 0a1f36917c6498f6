// SPDX-License-Identifier: MIT
#pragma once
// What adapters have in common: how a call is put together, how fields of targets, memos and the
// answers of peers are read, and what a verdict is called. Pure.
#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "links/message.h"
#include "wire/json_reader.h"

namespace baton::links {

/// `base` + `path`.
net::HttpRequest call(std::string method, const std::string& base, std::string_view path);
void set_json(net::HttpRequest& request, std::string body);
/// "Basic …"
std::string basic_credentials(std::string_view user, std::string_view password);
/// True when the answer's text has `words`, whatever their case.
bool says(const net::HttpResponse& answer, std::string_view words);

/// The same outcome in another class, with what a person can do about it.
Outcome as_dead(Outcome outcome, model::ErrorClass error_class, std::string_view hint = {});
Outcome as_again(Outcome outcome, model::ErrorClass error_class, std::string_view hint = {});
/// Not done yet, and no failure: again after so long.
Outcome later(Duration after, std::string memo);
/// What is left of a target that was accepted by check_target but cannot be read now.
Outcome unreadable(const Error& error);
/// 2xx
bool is_good(const Result<net::HttpResponse>& answer);

/// One object of JSON that is not ours to judge, a memo or a peer's answer: what is missing or of
/// another type reads as "" or `otherwise`.
class Json {
 public:
  Json() = default;
  explicit Json(std::string_view text);
  explicit Json(boost::json::object object) : object_(std::move(object)) {}

  /// Numbers and booleans as their JSON text.
  std::string text(std::string_view name) const;
  std::int64_t number(std::string_view name, std::int64_t otherwise = 0) const;
  bool is_true(std::string_view name) const;
  bool has(std::string_view name) const;
  Json object(std::string_view name) const;
  /// The objects of an array.
  std::vector<Json> objects(std::string_view name) const;
  const boost::json::object& raw() const { return object_; }

  Json& set(std::string_view name, std::int64_t value);
  Json& set(std::string_view name, std::string_view value);
  std::string to_text() const;

 private:
  const boost::json::value* find(std::string_view name) const;
  boost::json::object object_;
};
/// The objects of an array at the top.
std::vector<Json> json_objects(std::string_view text);

/// One line that must be there.
void needed_line(wire::JsonFields& fields, std::string_view name, std::string& out);
void optional_line(wire::JsonFields& fields, std::string_view name, std::string& out);
/// One that becomes a part of a path: neither "." nor "..".
void needed_part(wire::JsonFields& fields, std::string_view name, std::string& out);
void optional_part(wire::JsonFields& fields, std::string_view name, std::string& out);
/// The same for what people write as a number or as text.
void needed_number_or_line(wire::JsonFields& fields, std::string_view name, std::string& out);
void optional_number_or_line(wire::JsonFields& fields, std::string_view name, std::string& out);

bool is_passed(const model::Gate& gate);
/// "failed: 3 of 20 cases", in one line of at most `max` bytes.
std::string verdict_line(const model::Gate& gate, std::size_t max);
/// Where people find more: what came with the verdict, else the gate; "" unless it is absolute.
std::string details_url(const Message& message);
/// At most `max` bytes, without a broken character at the end.
std::string cut_text(std::string_view text, std::size_t max);

}  // namespace baton::links
