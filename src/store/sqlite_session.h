// SPDX-License-Identifier: MIT
#pragma once
// One SQLite connection with its cache of prepared statements. Owned by SqliteStore; one thread at
// a time. Never checkpoints by itself (the writer does) and never memory-maps.
#include <sqlite3.h>

#include <algorithm>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "store/session.h"

namespace baton::store {

/// A reader waits this long while the WAL index is recovered; nothing else ever locks it out.
inline constexpr int kBusyTimeoutMs = 5'000;

class SqliteSession final : public Session {
 public:
  enum class Mode { read_write_create, read_write, read_only };
  /// cache_kib: the page cache; it fills as pages are read.
  /// Errors: unavailable.
  static Result<std::unique_ptr<SqliteSession>> open(const std::string& path, Mode mode,
                                                     int cache_kib);
  ~SqliteSession() override;
  SqliteSession(const SqliteSession&) = delete;
  SqliteSession& operator=(const SqliteSession&) = delete;

  Dialect dialect() const override { return Dialect::sqlite; }
  sqlite3* handle() { return db_; }
  bool in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

  /// Runs statements that need no parameters, separated by ';', without caching them.
  Result<void> script(std::string_view sql);

  /// The first statement that failed since it was last cleared.
  const std::optional<Error>& failure() const override { return failure_; }
  void clear_failure() { failure_.reset(); }

 private:
  struct Statement {
    std::string sql;
    sqlite3_stmt* handle;
  };
  explicit SqliteSession(sqlite3* db) : db_(db) {}
  Result<void> do_exec(std::string_view sql, std::span<const Value> args) override;
  Result<std::int64_t> do_insert(std::string_view sql, std::string_view key,
                                 std::span<const Value> args) override;
  Result<Rows> do_query(std::string_view sql, std::span<const Value> args) override;
  Result<sqlite3_stmt*> prepare(std::string_view sql);
  Result<void> bind(sqlite3_stmt* statement, std::span<const Value> args);
  tl::unexpected<Error> failed(int code, std::string_view sql);

  sqlite3* db_;
  std::list<Statement> statements_;  // most recently used first
  // Statements are long, and their ends tell most of them apart.
  struct HashOfEnd {
    std::size_t operator()(std::string_view sql) const {
      constexpr std::size_t kEnd = 24;
      const std::string_view end = sql.substr(sql.size() - std::min(sql.size(), kEnd));
      return std::hash<std::string_view>{}(end) + sql.size();
    }
  };
  std::unordered_map<std::string_view, std::list<Statement>::iterator, HashOfEnd> by_sql_;
  std::list<std::string> repaired_;  // texts of the running statement that had to be repaired
  std::optional<Error> failure_;
};

/// What the message of an Error about a damaged file begins with.
inline constexpr std::string_view kDamagedFile = "the database file is damaged";

/// What SQLite said, as an Error: full disk and the like are `unavailable`, a wrong statement
/// `internal`.
Error sqlite_error(sqlite3* db, int code, std::string_view what);

}  // namespace baton::store
