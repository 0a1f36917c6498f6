// SPDX-License-Identifier: MIT
#pragma once
// A store that makes the n-th statement fail in the database itself: to show that an operation that
// fails anywhere changes nothing.
#include <memory>

#include "store/store.h"

namespace baton::testing {

class FaultyStore final : public store::Store {
 public:
  explicit FaultyStore(std::unique_ptr<store::Store> inner) : inner_(std::move(inner)) {}

  /// The n-th statement from now on (from 1) is replaced by one that the database refuses; 0 =
  /// none.
  void fail_statement(int n) { session_.countdown = n; }
  /// Whether that statement was reached.
  bool has_failed() const { return session_.failed; }
  void forget_failure() { session_.failed = false; }

  store::Dialect dialect() const override { return inner_->dialect(); }
  store::Session& writer() override {
    session_.inner = &inner_->writer();
    return session_;
  }
  Result<void> begin() override { return inner_->begin(); }
  Result<void> savepoint() override { return inner_->savepoint(); }
  Result<void> release_savepoint() override { return inner_->release_savepoint(); }
  Result<void> rollback_to_savepoint() override { return inner_->rollback_to_savepoint(); }
  Result<void> commit() override { return inner_->commit(); }
  void rollback() override { inner_->rollback(); }
  void between_batches() override { inner_->between_batches(); }
  void idle() override { inner_->idle(); }
  Result<store::Snapshot> snapshot() override { return inner_->snapshot(); }

 private:
  struct Session final : store::Session {
    store::Dialect dialect() const override { return inner->dialect(); }
    const std::optional<Error>& failure() const override { return inner->failure(); }
    std::string_view chosen(std::string_view sql) {
      if (countdown == 0 || --countdown > 0) return sql;
      failed = true;
      return "INSERT INTO no_such_table VALUES (1)";
    }
    Result<void> do_exec(std::string_view sql, std::span<const store::Value> args) override {
      const auto text = chosen(sql);
      return text == sql ? inner->exec(sql, args) : inner->exec(text);
    }
    Result<store::Rows> do_query(std::string_view sql,
                                 std::span<const store::Value> args) override {
      const auto text = chosen(sql);
      return text == sql ? inner->query(sql, args) : inner->query(text);
    }
    store::Session* inner = nullptr;
    int countdown = 0;
    bool failed = false;
  };

  std::unique_ptr<store::Store> inner_;
  Session session_;
};

}  // namespace baton::testing
