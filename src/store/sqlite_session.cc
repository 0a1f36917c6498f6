// SPDX-License-Identifier: MIT
#include "store/sqlite_session.h"

#include "base/assert.h"

namespace baton::store {
namespace {

Value column(sqlite3_stmt* statement, int i) {
  switch (sqlite3_column_type(statement, i)) {
    case SQLITE_INTEGER:
      return std::int64_t{sqlite3_column_int64(statement, i)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, i);
    case SQLITE_NULL:
      return std::monostate{};
    default: {
      const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement, i));
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, i));
      return bytes ? std::string(bytes, size) : std::string();
    }
  }
}

// Gives the statement back to the cache on every path.
struct Reset {
  sqlite3_stmt* statement;
  ~Reset() {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
  }
};

}  // namespace

Error sqlite_error(sqlite3* db, int code, std::string_view what) {
  const char* text = db ? sqlite3_errmsg(db) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_FULL:
      return {Code::unavailable, "the database cannot be written: the disk is full",
              "free space on the disk; Baton goes on by itself"};
    case SQLITE_IOERR:
      return {Code::unavailable, fmt::format("{}: {} (code {})", what, text, code),
              "check the disk and its free space"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Code::unavailable, fmt::format("{}: {}", kDamagedFile, text),
              "restore the database from a backup"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
      return {Code::unavailable, fmt::format("{}: {}", what, text)};
    default:
      return {Code::internal, fmt::format("{}: {}", what, text)};
  }
}

Result<std::unique_ptr<SqliteSession>> SqliteSession::open(const std::string& path, Mode mode,
                                                           int cache_kib) {
  // Nobody reads how much memory SQLite has, and counting it takes a lock at each allocation.
  static const int kUncounted = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(kUncounted);
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (mode == Mode::read_write_create) flags |= SQLITE_OPEN_CREATE;
  sqlite3* db = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  if (opened != SQLITE_OK) {
    Error error = sqlite_error(db, opened, "open " + path);
    sqlite3_close_v2(db);
    return tl::unexpected(std::move(error));
  }
  std::unique_ptr<SqliteSession> session{new SqliteSession(db)};
  // First of all: opening a reader while the WAL index is recovered would otherwise fail.
  sqlite3_busy_timeout(db, kBusyTimeoutMs);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  // A statement is planned once. Otherwise one that compares a column of a partial index with a
  // parameter is planned anew each time it is run, lest the value fits the index.
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_QPSG, 1, nullptr);
  BATON_TRY_VOID(session->script(
      fmt::format("PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=OFF;"
                  "PRAGMA foreign_keys=OFF; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-{};{}",
                  cache_kib, mode == Mode::read_only ? "PRAGMA query_only=ON;" : "")));
  return session;
}

SqliteSession::~SqliteSession() {
  for (Statement& statement : statements_) sqlite3_finalize(statement.handle);
  sqlite3_close_v2(db_);
}

tl::unexpected<Error> SqliteSession::failed(int code, std::string_view sql) {
  Error error = sqlite_error(db_, code, sql.substr(0, 200));
  if (!failure_) failure_ = error;
  return tl::unexpected(std::move(error));
}

Result<void> SqliteSession::script(std::string_view sql) {
  const std::string text(sql);
  const int code = sqlite3_exec(db_, text.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failed(code, sql);
  return {};
}

Result<sqlite3_stmt*> SqliteSession::prepare(std::string_view sql) {
  if (const auto found = by_sql_.find(sql); found != by_sql_.end()) {
    statements_.splice(statements_.begin(), statements_, found->second);
    return found->second->handle;
  }
  sqlite3_stmt* handle = nullptr;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &handle, &rest);
  if (code != SQLITE_OK) return failed(code, sql);
  BATON_ASSERT(handle, "the statement is not empty");
  if (statements_.size() >= kStatementsCachedMax) {
    sqlite3_finalize(statements_.back().handle);
    by_sql_.erase(statements_.back().sql);
    statements_.pop_back();
  }
  statements_.push_front({std::string(sql), handle});
  by_sql_.emplace(statements_.front().sql, statements_.begin());
  return handle;
}

Result<void> SqliteSession::bind(sqlite3_stmt* statement, std::span<const Value> args) {
  BATON_ASSERT(sqlite3_bind_parameter_count(statement) == static_cast<int>(args.size()),
               "every parameter of the statement is bound");
  int code = SQLITE_OK;
  for (int i = 1; const Value& value : args) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      code = sqlite3_bind_int64(statement, i, *integer);
    } else if (const auto* real = std::get_if<double>(&value)) {
      code = sqlite3_bind_double(statement, i, *real);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      if (!is_storable_text(*text)) text = &repaired_.emplace_back(to_storable_text(*text));
      code = sqlite3_bind_text64(statement, i, text->data(), text->size(), SQLITE_STATIC,
                                 SQLITE_UTF8);
    } else {
      code = sqlite3_bind_null(statement, i);
    }
    if (code != SQLITE_OK) return failed(code, sqlite3_sql(statement));
    ++i;
  }
  return {};
}

Result<void> SqliteSession::do_exec(std::string_view sql, std::span<const Value> args) {
  if (failure_) return tl::unexpected(*failure_);
  BATON_TRY(statement, prepare(sql));
  const Reset reset{statement};
  repaired_.clear();
  BATON_TRY_VOID(bind(statement, args));
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(statement);
  if (code != SQLITE_DONE) return failed(code, sql);
  return {};
}

Result<std::int64_t> SqliteSession::do_insert(std::string_view sql, std::string_view,
                                              std::span<const Value> args) {
  BATON_TRY_VOID(do_exec(sql, args));
  return std::int64_t{sqlite3_last_insert_rowid(db_)};
}

Result<Rows> SqliteSession::do_query(std::string_view sql, std::span<const Value> args) {
  if (failure_) return tl::unexpected(*failure_);
  BATON_TRY(statement, prepare(sql));
  const Reset reset{statement};
  repaired_.clear();
  BATON_TRY_VOID(bind(statement, args));
  Rows rows;
  const int columns = sqlite3_column_count(statement);
  int code = SQLITE_OK;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    std::vector<Value> values;
    values.reserve(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) values.push_back(column(statement, i));
    rows.emplace_back(std::move(values));
  }
  if (code != SQLITE_DONE) return failed(code, sql);
  return rows;
}

}  // namespace baton::store
