// SPDX-License-Identifier: MIT
#pragma once
// The database of one server: one writing session, a few reading ones. Owned by the composition root.
//
// SQLite: <data>/baton.db, WAL, synchronous=FULL, mmap off; the writing session is the only one that
// writes and checkpoints (SQLite 3.7.0 to 3.51.2 can corrupt a file that two connections checkpoint).
// A lock file keeps a second server out. PostgreSQL 15: libpq in pipeline mode; an advisory lock
// elects the one writer.
#include <memory>
#include <string>

#include "base/unique_function.h"
#include "store/session.h"

namespace baton::store {

struct Options {
  /// A folder, "postgres://…" or ":memory:" (tests and simulations; its one reader is the writer).
  std::string data;
  int readers = 4;
};

/// A reading session taken from the pool; returns to it when destroyed. Sees one consistent state.
class Snapshot {
 public:
  Snapshot(std::unique_ptr<Session> session, UniqueFunction<void(std::unique_ptr<Session>)> give_back);
  Snapshot(Snapshot&&) noexcept = default;
  Snapshot& operator=(Snapshot&&) noexcept = default;
  ~Snapshot();
  Session& sql() { return *session_; }

 private:
  std::unique_ptr<Session> session_;
  UniqueFunction<void(std::unique_ptr<Session>)> give_back_;
};

class Store {
 public:
  /// Opens, locks and migrates.
  /// Errors: conflict (another server has it open; or the database is of a newer Baton: nothing is
  /// changed), unavailable (cannot be opened; corrupt: nothing is changed).
  static Result<std::unique_ptr<Store>> open(const Options& options);
  virtual ~Store() = default;

  virtual Dialect dialect() const = 0;

  /// The writing session, for the writer's thread only, and the frame of a batch:
  /// begin, then per operation savepoint + (release | rollback_to), then commit or rollback.
  virtual Session& writer() = 0;
  virtual Result<void> begin() = 0;
  virtual Result<void> savepoint() = 0;
  virtual Result<void> release_savepoint() = 0;
  virtual Result<void> rollback_to_savepoint() = 0;
  /// Durable when it returns. Errors: unavailable; then nothing of the batch is stored.
  virtual Result<void> commit() = 0;
  virtual void rollback() = 0;
  /// Between batches, when the writer is idle: checkpoints the WAL (SQLite); nothing on PostgreSQL.
  virtual void idle() = 0;

  /// A reader, waiting for a free one at most a second.  Errors: unavailable.  Any thread.
  virtual Result<Snapshot> snapshot() = 0;
};

}  // namespace baton::store
