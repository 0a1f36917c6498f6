// SPDX-License-Identifier: MIT
#include "wire/json_reader.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>

#include "base/text.h"

namespace baton::wire {
namespace {

namespace json = boost::json;

// More would help nobody and make the answer larger than the request.
constexpr std::size_t kFaultsMax = 50;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

std::string_view type_of(const json::value& v) {
  switch (v.kind()) {
    case json::kind::null: return "null";
    case json::kind::bool_: return "a boolean";
    case json::kind::int64:
    case json::kind::uint64: return "an integer";
    case json::kind::double_: return "a number";
    case json::kind::string: return "a string";
    case json::kind::array: return "an array";
    case json::kind::object: return "an object";
  }
  return "unknown";
}

std::string expected(std::string_view what, const json::value& got) {
  return fmt::format("{} is expected, not {}", what, type_of(got));
}

// A scalar as text: labels and params are often written as numbers.
bool scalar_text(const json::value& v, std::string& out) {
  if (v.is_string()) {
    out = view(v.get_string());
  } else if (v.is_bool() || v.is_number()) {
    out = json::serialize(v);
  } else {
    return false;
  }
  return true;
}

}  // namespace

JsonFields::JsonFields(const json::object& object, std::string pointer,
                       std::vector<ErrorDetail>& faults, Unknown unknown)
    : object_(object), pointer_(std::move(pointer)), faults_(faults), unknown_(unknown) {}

const json::value* JsonFields::find(std::string_view name) {
  asked_.emplace(name);
  const json::value* v = object_.if_contains(json::string_view(name.data(), name.size()));
  return v != nullptr && !v->is_null() ? v : nullptr;
}

std::string JsonFields::pointer_to(std::string_view name) const {
  return pointer_ + "/" + pointer_part(name);
}

void JsonFields::fault(std::string_view name, std::string detail) {
  if (faults_.size() < kFaultsMax) faults_.push_back({pointer_to(name), std::move(detail)});
}

bool JsonFields::has(std::string_view name) { return find(name) != nullptr; }

void JsonFields::text(std::string_view name, std::optional<std::string>& out) {
  const json::value* v = find(name);
  if (v == nullptr) return;
  if (!v->is_string()) return fault(name, expected("a string", *v));
  out = std::string{view(v->get_string())};
}

void JsonFields::text(std::string_view name, std::string& out) {
  std::optional<std::string> found;
  text(name, found);
  if (found) out = std::move(*found);
}

void JsonFields::boolean(std::string_view name, std::optional<bool>& out) {
  const json::value* v = find(name);
  if (v == nullptr) return;
  if (!v->is_bool()) return fault(name, expected("true or false", *v));
  out = v->get_bool();
}

void JsonFields::boolean(std::string_view name, bool& out) {
  std::optional<bool> found;
  boolean(name, found);
  if (found) out = *found;
}

void JsonFields::integer(std::string_view name, std::int64_t& out, std::int64_t min,
                         std::int64_t max) {
  const json::value* v = find(name);
  if (v == nullptr) return;
  const bool huge = v->is_uint64();
  if (!huge && !v->is_int64()) return fault(name, expected("an integer", *v));
  if (huge || v->get_int64() < min || v->get_int64() > max)
    return fault(name, fmt::format("must be from {} to {}", min, max));
  out = v->get_int64();
}

void JsonFields::integer(std::string_view name, int& out, int min, int max) {
  std::int64_t wide = out;
  integer(name, wide, min, max);
  out = static_cast<int>(wide);
}

void JsonFields::integer(std::string_view name, std::optional<int>& out, int min, int max) {
  if (!has(name)) return;
  int found = min;
  integer(name, found, min, max);
  out = found;
}

void JsonFields::duration(std::string_view name, std::optional<Duration>& out) {
  const json::value* v = find(name);
  if (v == nullptr) return;
  if (!v->is_string()) return fault(name, expected("a duration such as \"90s\"", *v));
  if (auto parsed = parse_duration(view(v->get_string()))) {
    out = *parsed;
  } else {
    fault(name, parsed.error().message);
  }
}

void JsonFields::duration(std::string_view name, Duration& out) {
  std::optional<Duration> found;
  duration(name, found);
  if (found) out = *found;
}

void JsonFields::milliseconds(std::string_view name, Duration& out) {
  // A century, as parse_duration.
  constexpr std::int64_t kMax = 36'500LL * 86'400'000;
  std::int64_t ms = out.count();
  integer(name, ms, 0, kMax);
  out = Duration{ms};
}

void JsonFields::milliseconds(std::string_view name, std::optional<Duration>& out) {
  if (!has(name)) return;
  Duration found{0};
  milliseconds(name, found);
  out = found;
}

void JsonFields::time(std::string_view name, std::optional<TimePoint>& out) {
  const json::value* v = find(name);
  if (v == nullptr) return;
  if (!v->is_string()) return fault(name, expected("a time such as \"2026-03-01T12:00:00Z\"", *v));
  if (auto parsed = parse_rfc3339(view(v->get_string()))) {
    out = *parsed;
  } else {
    fault(name, parsed.error().message);
  }
}

void JsonFields::time(std::string_view name, TimePoint& out) {
  std::optional<TimePoint> found;
  time(name, found);
  if (found) out = *found;
}

void JsonFields::text_map(std::string_view name, std::map<std::string, std::string>& out) {
  const json::value* v = find(name);
  if (v == nullptr) return;
  if (!v->is_object()) return fault(name, expected("an object of strings", *v));
  out.clear();
  for (const auto& entry : v->get_object()) {
    const std::string entry_name{entry.key().data(), entry.key().size()};
    if (!scalar_text(entry.value(), out[entry_name])) {
      JsonFields inner(v->get_object(), pointer_to(name), faults_, unknown_);
      inner.fault(entry_name, expected("a string", entry.value()));
    }
  }
}

void JsonFields::texts(std::string_view name, std::vector<std::string>& out) {
  const json::value* v = find(name);
  if (v == nullptr) return;
  if (!v->is_array()) return fault(name, expected("an array of strings", *v));
  out.clear();
  for (const json::value& item : v->get_array()) {
    if (item.is_string()) {
      out.emplace_back(view(item.get_string()));
    } else {
      fault(name, expected("an array of strings", item));
    }
  }
}

void JsonFields::object(std::string_view name, const std::function<void(JsonFields&)>& read) {
  const json::value* v = find(name);
  if (v == nullptr) return;
  if (!v->is_object()) return fault(name, expected("an object", *v));
  JsonFields inner(v->get_object(), pointer_to(name), faults_, unknown_);
  read(inner);
  inner.finish();
}

void JsonFields::objects(std::string_view name, const std::function<void(JsonFields&)>& read) {
  const json::value* v = find(name);
  if (v == nullptr) return;
  if (!v->is_array()) return fault(name, expected("an array", *v));
  std::size_t index = 0;
  for (const json::value& item : v->get_array()) {
    const std::string pointer = pointer_to(name) + "/" + std::to_string(index++);
    if (!item.is_object()) {
      if (faults_.size() < kFaultsMax) faults_.push_back({pointer, expected("an object", item)});
      continue;
    }
    JsonFields inner(item.get_object(), pointer, faults_, unknown_);
    read(inner);
    inner.finish();
  }
}

void JsonFields::json(std::string_view name, std::string& out) {
  if (const json::value* v = find(name)) out = json::serialize(*v);
}

void JsonFields::ignore(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) asked_.emplace(name);
}

void JsonFields::require(std::string_view name) {
  if (!has(name)) fault(name, "it is required");
}

void JsonFields::finish() {
  if (unknown_ == Unknown::skip) return;
  for (const auto& entry : object_) {
    const std::string_view name{entry.key().data(), entry.key().size()};
    if (asked_.contains(name)) continue;
    const std::string near = nearest(name, {asked_.begin(), asked_.end()});
    fault(name, near.empty()
                    ? fmt::format("the field \"{}\" is unknown", name)
                    : fmt::format("the field \"{}\" is unknown; did you mean \"{}\"?", name, near));
  }
}

Result<void> read_json(std::string_view text, const std::function<void(JsonFields&)>& read,
                       Unknown unknown) {
  BATON_TRY(document, parse_json(text));
  if (!document.is_object())
    return fail(Code::invalid, "the body is not acceptable: {}", expected("an object", document));
  std::vector<ErrorDetail> faults;
  JsonFields fields(document.get_object(), "", faults, unknown);
  read(fields);
  fields.finish();
  if (faults.empty()) return {};
  Error error{Code::invalid, fmt::format("{}: {}", faults[0].pointer, faults[0].detail)};
  if (faults.size() > 1) error.message += fmt::format(" (and {} more)", faults.size() - 1);
  error.details = std::move(faults);
  return tl::unexpected(std::move(error));
}

}  // namespace baton::wire
