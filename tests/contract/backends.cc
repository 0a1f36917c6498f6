// SPDX-License-Identifier: MIT
#include "backends.h"

#include <libpq-fe.h>
#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "testing/postgres.h"

namespace baton::contract {

std::string name_of(Backend backend) {
  switch (backend) {
    case Backend::sqlite_memory: return "sqlite_memory";
    case Backend::sqlite_disk: return "sqlite_disk";
    case Backend::postgres: return "postgres";
  }
  return "";
}

void StoreTest::SetUp() {
  static std::atomic<int> count = 0;
  switch (GetParam()) {
    case Backend::sqlite_memory: options_.data = ":memory:"; break;
    case Backend::sqlite_disk: {
      std::string folder = ::testing::TempDir() + "baton-contract-XXXXXX";
      ASSERT_NE(::mkdtemp(folder.data()), nullptr);
      options_.data = folder;
      break;
    }
    case Backend::postgres:
      options_.data = testing::PostgresCluster::shared().url();
      options_.schema = fmt::format("test_{}", ++count);
      break;
  }
  const auto opened = reopen();
  ASSERT_TRUE(opened) << opened.error().message;
}

void StoreTest::TearDown() {
  close();
  std::error_code ignored;
  if (GetParam() == Backend::sqlite_disk) std::filesystem::remove_all(options_.data, ignored);
}

Result<void> StoreTest::reopen() {
  close();
  BATON_TRY(opened, store::Store::open(options_));
  store_ = std::move(opened);
  return {};
}

std::string StoreTest::look(const std::string& query) const {
  std::string value = "refused";
  if (GetParam() == Backend::postgres) {
    PGconn* const connection = PQconnectdb(options_.data.c_str());
    PQclear(PQexec(connection, ("SET search_path TO " + options_.schema).c_str()));
    PGresult* const result = PQexec(connection, query.c_str());
    if (PQresultStatus(result) == PGRES_TUPLES_OK) value = PQgetvalue(result, 0, 0);
    PQclear(result);
    PQfinish(connection);
    return value;
  }
  sqlite3* database = nullptr;
  sqlite3_open_v2((options_.data + "/baton.db").c_str(), &database, SQLITE_OPEN_READWRITE, nullptr);
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database, query.c_str(), -1, &statement, nullptr) == SQLITE_OK &&
      sqlite3_step(statement) == SQLITE_ROW)
    value = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
  sqlite3_finalize(statement);
  sqlite3_close(database);
  return value;
}

void StoreTest::execute(std::initializer_list<const char*> statements) {
  const auto done = commit([&](store::Tx& tx) -> Result<void> {
    for (const char* statement : statements) {
      BATON_TRY_VOID(tx.sql().exec(statement));
    }
    return {};
  });
  ASSERT_TRUE(done) << done.error().message;
}

std::string StoreTest::text_of(const store::Rows& rows) {
  std::string text;
  for (const store::Row& row : rows) {
    if (!text.empty()) text += ';';
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) text += '|';
      std::visit(
          [&](const auto& value) {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>)
              text += "NULL";
            else
              text += fmt::format("{}", value);
          },
          row.value(i));
    }
  }
  return text;
}

std::string StoreTest::read(std::string_view query) {
  auto snapshot = store().snapshot();
  if (!snapshot) return "no snapshot: " + snapshot.error().message;
  const auto rows = snapshot->sql().query(query);
  return rows ? text_of(*rows) : "error: " + rows.error().message;
}

}  // namespace baton::contract
