// SPDX-License-Identifier: MIT
#include "store/postgres_values.h"

#include <charconv>
#include <cstdlib>

#include "base/text.h"

namespace baton::store {
namespace {

// From PostgreSQL's catalogue pg_type; they never change.
constexpr Oid kBool = 16, kInt8 = 20, kInt2 = 21, kInt4 = 23, kOid = 26, kFloat4 = 700,
              kFloat8 = 701, kNumeric = 1700;

Value number(std::string_view text, bool may_be_real) {
  std::int64_t integer = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), integer);
  if (parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size()) return integer;
  if (may_be_real) return std::strtod(std::string(text).c_str(), nullptr);
  return std::string(text);
}

Value value_of(const PGresult* result, int row, int column) {
  if (PQgetisnull(result, row, column)) return std::monostate{};
  const std::string_view text(PQgetvalue(result, row, column),
                              static_cast<std::size_t>(PQgetlength(result, row, column)));
  switch (PQftype(result, column)) {
    case kBool:
      return std::int64_t{text == "t"};
    case kInt2:
    case kInt4:
    case kInt8:
    case kOid:
      return number(text, false);
    case kNumeric:  // what SUM(bigint) gives: an integer, as in SQLite
      return number(text, true);
    case kFloat4:
    case kFloat8:
      return std::strtod(std::string(text).c_str(), nullptr);
    default:
      return std::string(text);
  }
}

}  // namespace

std::string number_parameters(std::string_view sql) {
  std::string numbered;
  numbered.reserve(sql.size() + 16);
  char quote = 0;
  int count = 0;
  for (const char c : sql) {
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '?') {
      numbered += fmt::format("${}", ++count);
      continue;
    }
    numbered += c;
  }
  return numbered;
}

PostgresParameters::PostgresParameters(std::span<const Value> args) {
  types.reserve(args.size());
  texts.reserve(args.size());  // never grows again: `values` points into it
  values.reserve(args.size());
  for (const Value& arg : args) {
    Oid type = 0;
    char letter = 't';
    if (const auto* integer = std::get_if<std::int64_t>(&arg)) {
      type = kInt8;
      letter = 'i';
      texts.push_back(std::to_string(*integer));
    } else if (const auto* real = std::get_if<double>(&arg)) {
      type = kFloat8;
      letter = 'r';
      texts.push_back(fmt::format("{}", *real));  // shortest text that reads back the same
    } else if (const auto* text = std::get_if<std::string>(&arg)) {
      texts.push_back(is_storable_text(*text) ? *text : to_storable_text(*text));
    } else {
      letter = 'n';
      texts.emplace_back();
    }
    types.push_back(type);
    signature += letter;
    values.push_back(letter == 'n' ? nullptr : texts.back().c_str());
  }
}

Rows rows_of(const PGresult* result) {
  Rows rows;
  const int columns = PQnfields(result);
  const int count = PQntuples(result);
  rows.reserve(static_cast<std::size_t>(count));
  for (int row = 0; row < count; ++row) {
    std::vector<Value> values;
    values.reserve(static_cast<std::size_t>(columns));
    for (int column = 0; column < columns; ++column)
      values.push_back(value_of(result, row, column));
    rows.emplace_back(std::move(values));
  }
  return rows;
}

Error postgres_error(const PGresult* result, std::string_view what) {
  const char* state_text = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* message_text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string_view state = state_text ? state_text : "";
  std::string message(
      message_text ? std::string_view(message_text) : trim(PQresultErrorMessage(result)));
  if (state == "53100")
    return {Code::unavailable, "the database cannot be written: the disk is full",
            "free space on the disk of PostgreSQL; Baton goes on by itself"};
  // 08 connection, 25006 read-only, 40 rollback, 53 resources, 55P03 lock time-out, 57 operator
  // intervention, 58 system error. No state at all: libpq lost the connection.
  const std::string_view group = state.substr(0, 2);
  const bool temporary = state.empty() || group == "08" || group == "40" || group == "53" ||
                         group == "57" || group == "58" || state == "55P03" || state == "25006";
  return {temporary ? Code::unavailable : Code::internal,
          fmt::format("{}: {}", what.substr(0, 200), message)};
}

}  // namespace baton::store
