# SPDX-License-Identifier: MIT
set(SOURCES
  lock_file.cc
  migrations.cc
  migrations_core.cc
  postgres_store.cc
  reader_pool.cc
  session.cc
  sqlite_file.cc
  sqlite_session.cc
  sqlite_store.cc
  store.cc
  tx.cc
)
set(TESTS
  store_test.cc
)
set(LIBRARIES SQLite::SQLite3 PostgreSQL::PostgreSQL OpenSSL::Crypto PkgConfig::ZSTD)
