// SPDX-License-Identifier: MIT
#pragma once
// Between Baton's values and libpq's: `?` becomes `$n`, parameters become text with a type, result
// columns become values, SQLSTATEs become errors. Pure.
#include <libpq-fe.h>

#include <string>
#include <vector>

#include "store/session.h"

namespace baton::store {

/// `?` outside of quotes becomes `$1`, `$2` …
std::string number_parameters(std::string_view sql);

/// Parameters as libpq takes them. Integers and reals carry their type, so that `? + 1` is computed
/// in 64 bits; text and NULL leave it to the statement.
struct PostgresParameters {
  explicit PostgresParameters(std::span<const Value> args);
  PostgresParameters(const PostgresParameters&) = delete;
  PostgresParameters& operator=(const PostgresParameters&) = delete;

  std::vector<Oid> types;
  std::vector<const char*> values;  // point into `texts`
  std::vector<std::string> texts;
  /// One character per parameter; statements are prepared once per signature.
  std::string signature;
};

/// All rows of a result in text format.
Rows rows_of(const PGresult* result);

/// Lost connections, full disks and the like are `unavailable`; a wrong statement is `internal`.
Error postgres_error(const PGresult* result, std::string_view what);

}  // namespace baton::store
