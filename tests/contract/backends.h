// SPDX-License-Identifier: MIT
#pragma once
// The backends that every contract test runs against, each on a database of the test's own.
#include <gtest/gtest.h>

#include <string>

#include "store/store.h"
#include "store/tx.h"

namespace baton::contract {

enum class Backend { sqlite_memory, sqlite_disk, postgres };
std::string name_of(Backend backend);

/// A fixture with one open store. reopen() closes it and opens the same data again.
class StoreTest : public ::testing::TestWithParam<Backend> {
 protected:
  void SetUp() override;
  void TearDown() override;

  bool survives_closing() const { return GetParam() != Backend::sqlite_memory; }
  store::Store& store() { return *store_; }
  store::Session& sql() { return store_->writer(); }
  void close() { store_.reset(); }
  Result<void> reopen();
  Result<std::unique_ptr<store::Store>> open_another() { return store::Store::open(options_); }

  /// Runs `change` in a savepoint of a batch of its own, and commits.
  template <class F>
  auto commit(F change) -> decltype(change(std::declval<store::Tx&>())) {
    BATON_TRY_VOID(store().begin());
    BATON_TRY_VOID(store().savepoint());
    store::Tx tx(sql(), now_);
    auto result = change(tx);
    if (result) {
      BATON_TRY_VOID(store().release_savepoint());
    } else {
      BATON_TRY_VOID(store().rollback_to_savepoint());
    }
    BATON_TRY_VOID(store().commit());
    return result;
  }
  /// Statements without parameters, committed.
  void execute(std::initializer_list<const char*> statements);
  /// All rows of `query` as a snapshot sees them: "1|a;2|NULL".
  std::string read(std::string_view query);
  /// The first value of `query` without Baton's own code, also while the store is closed; "refused"
  /// when the database refuses it. Not for a database in memory.
  std::string look(const std::string& query) const;
  static std::string text_of(const store::Rows& rows);

  store::Options options_;
  Now now_{from_ms(1'000), from_ms(2'000)};
  std::unique_ptr<store::Store> store_;
};

}  // namespace baton::contract
