// SPDX-License-Identifier: MIT
#include "links/peer.h"

#include <boost/json.hpp>

#include <algorithm>

#include "base/text.h"
#include "links/signature.h"

namespace baton::links {
namespace {

namespace json = boost::json;
using model::ErrorClass;

constexpr std::size_t kLineMax = 1'000;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }
json::string_view key_of(std::string_view name) { return {name.data(), name.size()}; }

std::string with_hint(std::string error, std::string_view hint) {
  if (!hint.empty()) error.append(error.empty() ? "" : "; ").append(hint);
  return error;
}

std::vector<Json> objects_of(const json::value* value) {
  std::vector<Json> found;
  if (value == nullptr || !value->is_array()) return found;
  for (const json::value& item : value->get_array())
    if (item.is_object()) found.emplace_back(item.get_object());
  return found;
}

std::optional<json::value> parsed(std::string_view text) {
  json::error_code error;
  json::value value = json::parse(key_of(text), error);
  if (error) return {};
  return value;
}

void check_line(wire::JsonFields& fields, std::string_view name, const std::string& text) {
  if (text.size() > kLineMax) fields.fault(name, fmt::format("is longer than {} bytes", kLineMax));
  if (has_control_bytes(text)) fields.fault(name, "must be one line of text");
}

}  // namespace

net::HttpRequest call(std::string method, const std::string& base, std::string_view path) {
  net::HttpRequest request;
  request.method = std::move(method);
  request.url = base;
  request.url += path;
  return request;
}

void set_json(net::HttpRequest& request, std::string body) {
  request.headers.set("Content-Type", "application/json");
  request.body = std::move(body);
}

std::string basic_credentials(std::string_view user, std::string_view password) {
  return "Basic " + to_base64(fmt::format("{}:{}", user, password));
}

bool says(const net::HttpResponse& answer, std::string_view words) {
  return to_lower(answer.body).find(to_lower(words)) != std::string::npos;
}

Outcome as_dead(Outcome outcome, ErrorClass error_class, std::string_view hint) {
  outcome.kind = Outcome::Kind::dead;
  outcome.error_class = error_class;
  outcome.error = with_hint(std::move(outcome.error), hint);
  return outcome;
}

Outcome as_again(Outcome outcome, ErrorClass error_class, std::string_view hint) {
  outcome.kind = Outcome::Kind::again;
  outcome.error_class = error_class;
  outcome.error = with_hint(std::move(outcome.error), hint);
  return outcome;
}

Outcome later(Duration after, std::string memo) {
  Outcome outcome;
  outcome.kind = Outcome::Kind::again;
  outcome.is_progress = true;
  outcome.after = after;
  outcome.memo = std::move(memo);
  return outcome;
}

Outcome unreadable(const Error& error) {
  return dead(ErrorClass::misconfigured, 0, "the delivery's target: " + error.message);
}

bool is_good(const Result<net::HttpResponse>& answer) {
  return answer && answer->status >= 200 && answer->status < 300;
}

Json::Json(std::string_view text) {
  auto value = parsed(text);
  if (value && value->is_object()) object_ = std::move(value->get_object());
}

const json::value* Json::find(std::string_view name) const {
  return object_.if_contains(key_of(name));
}

std::string Json::text(std::string_view name) const {
  const json::value* value = find(name);
  if (value == nullptr) return {};
  if (value->is_string()) return std::string{view(value->get_string())};
  return value->is_number() || value->is_bool() ? json::serialize(*value) : std::string{};
}

std::int64_t Json::number(std::string_view name, std::int64_t otherwise) const {
  const json::value* value = find(name);
  if (value == nullptr || !value->is_int64()) return otherwise;
  return value->get_int64();
}

bool Json::is_true(std::string_view name) const {
  const json::value* value = find(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

bool Json::has(std::string_view name) const {
  const json::value* value = find(name);
  return value != nullptr && !value->is_null();
}

Json Json::object(std::string_view name) const {
  const json::value* value = find(name);
  return value != nullptr && value->is_object() ? Json(value->get_object()) : Json();
}

std::vector<Json> Json::objects(std::string_view name) const { return objects_of(find(name)); }

Json& Json::set(std::string_view name, std::int64_t value) {
  object_[key_of(name)] = value;
  return *this;
}

Json& Json::set(std::string_view name, std::string_view value) {
  object_[key_of(name)] = key_of(value);
  return *this;
}

std::string Json::to_text() const { return json::serialize(object_); }

std::vector<Json> json_objects(std::string_view text) {
  const auto value = parsed(text);
  return objects_of(value ? &*value : nullptr);
}

void optional_line(wire::JsonFields& fields, std::string_view name, std::string& out) {
  fields.text(name, out);
  check_line(fields, name, out);
}

void needed_line(wire::JsonFields& fields, std::string_view name, std::string& out) {
  fields.require(name);
  optional_line(fields, name, out);
  if (fields.has(name) && out.empty()) fields.fault(name, "is empty");
}

void optional_part(wire::JsonFields& fields, std::string_view name, std::string& out) {
  optional_line(fields, name, out);
  if (out == "." || out == "..") fields.fault(name, "is no name");
}

void needed_part(wire::JsonFields& fields, std::string_view name, std::string& out) {
  needed_line(fields, name, out);
  if (out == "." || out == "..") fields.fault(name, "is no name");
}

void optional_number_or_line(wire::JsonFields& fields, std::string_view name, std::string& out) {
  std::string written;
  fields.json(name, written);
  if (written.empty()) return;
  const bool is_number =
      std::all_of(written.begin(), written.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (is_number) {
    out = written;
  } else {
    optional_part(fields, name, out);
  }
}

void needed_number_or_line(wire::JsonFields& fields, std::string_view name, std::string& out) {
  fields.require(name);
  optional_number_or_line(fields, name, out);
  if (fields.has(name) && out.empty()) fields.fault(name, "is empty");
}

bool is_passed(const model::Gate& gate) { return gate.verdict == model::GateVerdict::passed; }

std::string cut_text(std::string_view text, std::size_t max) {
  if (text.size() <= max) return std::string{text};
  while (max > 0 && (static_cast<unsigned char>(text[max]) & 0xC0) == 0x80) --max;
  return std::string{text.substr(0, max)};
}

std::string verdict_line(const model::Gate& gate, std::size_t max) {
  std::string line{name_of(gate.verdict)};
  std::replace(line.begin(), line.end(), '_', ' ');
  if (!gate.reason.empty()) line += ": " + to_valid_utf8(gate.reason);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return cut_text(line, max);
}

std::string details_url(const Message& message) {
  const std::string& url = message.gate.url.empty() ? message.urls.gate : message.gate.url;
  return url.starts_with("http://") || url.starts_with("https://") ? url : std::string{};
}

}  // namespace baton::links
