// SPDX-License-Identifier: MIT
// Opening, closing, migrating and refusing behave alike in every backend that outlives its process.
#include <unistd.h>

#include "backends.h"
#include "store/migrations.h"

namespace baton::contract {
namespace {

class Open : public StoreTest {};

TEST_P(Open, what_was_committed_is_there_after_closing) {
  execute({"CREATE TABLE t (k BIGINT)", "INSERT INTO t VALUES (7)"});
  ASSERT_TRUE(reopen());
  EXPECT_EQ(read("SELECT k FROM t"), "7");
  EXPECT_EQ(read("SELECT value FROM meta WHERE key = 'schema_version'"),
            std::to_string(store::schema_version()));
}

TEST_P(Open, what_was_not_committed_is_gone_after_closing) {
  execute({"CREATE TABLE t (k BIGINT)"});
  ASSERT_TRUE(store().begin());
  ASSERT_TRUE(sql().exec("INSERT INTO t VALUES (7)"));
  ASSERT_TRUE(sql().query("SELECT 1"));
  ASSERT_TRUE(reopen());
  EXPECT_EQ(read("SELECT k FROM t"), "");
}

TEST_P(Open, a_second_server_is_refused_until_the_first_is_gone) {
  const auto second = open_another();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::conflict);
  EXPECT_NE(second.error().message.find("another Baton server"), std::string::npos);
  if (GetParam() == Backend::sqlite_disk) {
    EXPECT_NE(second.error().message.find(fmt::format("pid {}", ::getpid())), std::string::npos)
        << second.error().message;
  }
  execute({"CREATE TABLE t (k BIGINT)"});
  close();
  EXPECT_TRUE(open_another());
}

TEST_P(Open, a_database_of_a_newer_baton_is_refused_and_not_changed) {
  execute({"UPDATE meta SET value = '999999' WHERE key = 'schema_version'", "DROP TABLE deadline"});
  close();
  const auto refused = open_another();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_NE(refused.error().message.find("newer Baton (schema 999999"), std::string::npos)
      << refused.error().message;
  // Neither the version nor the missing table has come back. Baton itself would repair both.
  EXPECT_EQ(look("SELECT value FROM meta WHERE key = 'schema_version'"), "999999");
  EXPECT_EQ(look("SELECT count(*) FROM deadline"), "refused");
}

TEST_P(Open, a_migration_that_was_interrupted_is_resumed) {
  // As a kill between two steps leaves it: the tables of later steps are missing.
  execute({"DROP TABLE event", "DROP TABLE deadline",
           "UPDATE meta SET value = '0' WHERE key = 'schema_version'"});
  if (store::schema_version() > 1) {
    // Later steps would find their tables. Start from nothing but the meta table.
    auto rows = sql().query(
        store().dialect() == store::Dialect::sqlite
            ? "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
              "AND name <> 'meta' AND sql NOT LIKE '%VIRTUAL%' "
              "AND name NOT IN (SELECT s.name FROM sqlite_schema s, sqlite_schema v "
              "WHERE v.sql LIKE '%VIRTUAL%' AND s.name LIKE v.name || '\\_%' ESCAPE '\\')"
            : "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() "
              "AND tablename <> 'meta'");
    ASSERT_TRUE(rows) << rows.error().message;
    auto virtual_tables = store().dialect() == store::Dialect::sqlite
                              ? sql().query(
                                    "SELECT name FROM sqlite_schema WHERE sql LIKE "
                                    "'CREATE VIRTUAL%'")
                              : Result<store::Rows>(store::Rows{});
    ASSERT_TRUE(virtual_tables);
    const std::string cascade = store().dialect() == store::Dialect::sqlite ? "" : " CASCADE";
    for (const auto& list : {*virtual_tables, *rows})
      for (const auto& row : list)
        execute({fmt::format("DROP TABLE {}{}", row.text(0), cascade).c_str()});
  }
  ASSERT_TRUE(reopen());
  EXPECT_EQ(read("SELECT count(*) FROM event"), "0");
  EXPECT_EQ(read("SELECT value FROM meta WHERE key = 'schema_version'"),
            std::to_string(store::schema_version()));
}

INSTANTIATE_TEST_SUITE_P(Store, Open, ::testing::Values(Backend::sqlite_disk, Backend::postgres),
                         [](const auto& parameter) { return name_of(parameter.param); });

}  // namespace
}  // namespace baton::contract
