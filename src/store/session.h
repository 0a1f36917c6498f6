// SPDX-License-Identifier: MIT
#pragma once
// One database connection, SQLite or PostgreSQL, behind one small interface. Tables are written
// once, in the SQL that both understand; only migrations and full-text search differ by dialect.
// One thread at a time.
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace baton::store {

enum class Dialect { sqlite, postgres };

/// A bound parameter or a column: NULL, integer, real or text (bytes are not stored in the
/// database).
using Value = std::variant<std::monostate, std::int64_t, double, std::string>;

/// One row of a result. Reading a column as another type than it has is a programming error.
class Row {
 public:
  explicit Row(std::vector<Value> columns) : columns_(std::move(columns)) {}
  std::size_t size() const { return columns_.size(); }
  const Value& value(std::size_t i) const { return columns_.at(i); }
  bool is_null(std::size_t i) const;
  std::int64_t integer(std::size_t i) const;  // NULL reads as 0
  double real(std::size_t i) const;  // an integer reads as its value; NULL as 0
  const std::string& text(std::size_t i) const;  // NULL reads as ""
  std::optional<std::int64_t> optional_integer(std::size_t i) const;

 private:
  std::vector<Value> columns_;
};
using Rows = std::vector<Row>;
using Args = std::initializer_list<Value>;

/// Prepared statements kept per connection. Baton has fewer than 200 fixed statements; the rest is
/// room for lists with filters, whose text varies.
inline constexpr std::size_t kStatementsCachedMax = 256;

/// The database keeps valid UTF-8 without NUL, because PostgreSQL can keep nothing else. Sessions
/// repair every bound text: an invalid sequence and a NUL become U+FFFD.
bool is_storable_text(std::string_view text);
std::string to_storable_text(std::string_view text);

struct RowCache;

class Session {
 public:
  Session();
  virtual ~Session();
  virtual Dialect dialect() const = 0;

  /// Runs a statement whose result nobody needs. `?` marks a parameter in both dialects.
  /// PostgreSQL pipelines it: a failure may show at the next query() or at the commit.
  /// sql: text with static storage duration or at least stable content: statements are cached by
  /// it. Errors: unavailable (disk full, connection lost), internal (the statement is wrong). After
  /// a failure every further statement fails alike until the savepoint or transaction is rolled
  /// back.
  Result<void> exec(std::string_view sql, Args args = {}) {
    return do_exec(sql, std::span<const Value>(args.begin(), args.size()));
  }
  Result<void> exec(std::string_view sql, std::span<const Value> args) {
    return do_exec(sql, args);
  }

  /// Inserts one row and returns the number that the database gave it. `sql` has no RETURNING;
  /// key: the column of that number, the row's id in SQLite.
  Result<std::int64_t> insert(std::string_view sql, std::string_view key, Args args) {
    return do_insert(sql, key, std::span<const Value>(args.begin(), args.size()));
  }

  /// Runs a statement and reads all of its rows; use RETURNING to learn what a write did. (SQLite
  /// keeps such rows in a table of their own meanwhile: in what is done often, read them after.)
  Result<Rows> query(std::string_view sql, Args args = {}) {
    return do_query(sql, std::span<const Value>(args.begin(), args.size()));
  }
  Result<Rows> query(std::string_view sql, std::span<const Value> args) {
    return do_query(sql, args);
  }

  /// What the database refused since the last roll-back, as far as it has answered: the store's own
  /// failure, whatever the caller made of it.
  virtual const std::optional<Error>& failure() const = 0;

  /// What is remembered of rows; only the writing session has it, from remember_rows() on.
  RowCache* cache() { return cache_.get(); }
  void remember_rows();

 private:
  virtual Result<void> do_exec(std::string_view sql, std::span<const Value> args) = 0;
  virtual Result<std::int64_t> do_insert(std::string_view sql, std::string_view key,
                                         std::span<const Value> args) {
    BATON_TRY(rows, do_query(std::string(sql) + " RETURNING " + std::string(key), args));
    return rows.at(0).integer(0);
  }
  virtual Result<Rows> do_query(std::string_view sql, std::span<const Value> args) = 0;

  std::unique_ptr<RowCache> cache_;
};

}  // namespace baton::store
