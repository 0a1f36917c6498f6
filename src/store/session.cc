// SPDX-License-Identifier: MIT
#include "store/session.h"

#include "base/assert.h"
#include "base/text.h"
#include "store/row_cache.h"

namespace baton::store {
namespace {
const std::string kEmpty;
}

Session::Session() = default;
Session::~Session() = default;

void Session::remember_rows() { cache_ = std::make_unique<RowCache>(); }

bool Row::is_null(std::size_t i) const {
  BATON_ASSERT(i < columns_.size(), "the column exists");
  return std::holds_alternative<std::monostate>(columns_[i]);
}

std::int64_t Row::integer(std::size_t i) const {
  if (is_null(i)) return 0;
  const auto* value = std::get_if<std::int64_t>(&columns_[i]);
  BATON_ASSERT(value, "the column is an integer");
  return *value;
}

double Row::real(std::size_t i) const {
  if (is_null(i)) return 0;
  if (const auto* value = std::get_if<std::int64_t>(&columns_[i]))
    return static_cast<double>(*value);
  const auto* value = std::get_if<double>(&columns_[i]);
  BATON_ASSERT(value, "the column is a number");
  return *value;
}

const std::string& Row::text(std::size_t i) const {
  if (is_null(i)) return kEmpty;
  const auto* value = std::get_if<std::string>(&columns_[i]);
  BATON_ASSERT(value, "the column is text");
  return *value;
}

std::optional<std::int64_t> Row::optional_integer(std::size_t i) const {
  if (is_null(i)) return std::nullopt;
  return integer(i);
}

bool is_storable_text(std::string_view text) {
  return text.find('\0') == std::string_view::npos && is_valid_utf8(text);
}

std::string to_storable_text(std::string_view text) {
  std::string repaired = to_valid_utf8(text);
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  for (auto at = repaired.find('\0'); at != std::string::npos; at = repaired.find('\0', at))
    repaired.replace(at, 1, kReplacement);
  return repaired;
}

}  // namespace baton::store
