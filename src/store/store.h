// SPDX-License-Identifier: MIT
#pragma once
// The database of one server: one writing session, a few reading ones. Owned by the composition
// root.
//
// SQLite: <data>/baton.db, WAL, synchronous=FULL, mmap off; the writing session is the only one
// that writes and checkpoints (SQLite 3.7.0 to 3.51.2 can corrupt a file that two connections
// checkpoint). A lock file keeps a second server out. PostgreSQL 15: libpq in pipeline mode; an
// advisory lock elects the one writer.
#include <memory>
#include <string>
#include <vector>

#include "base/unique_function.h"
#include "store/session.h"

namespace baton::store {

struct Options {
  /// A folder, "postgres://…" or ":memory:" (tests and simulations; its one reader is the writer).
  std::string data;
  int readers = 4;
  /// SQLite: files that a server makes once its database is filled. Beside one of them an empty or
  /// missing database has lost its content and is refused.
  std::vector<std::string> made_later = {};
  /// PostgreSQL: the schema that holds Baton's tables; made when it does not exist.
  std::string schema = "baton";
};

/// A reading session taken from the pool; returns to it when destroyed. Sees one consistent state.
class Snapshot {
 public:
  Snapshot(std::unique_ptr<Session> session,
           UniqueFunction<void(std::unique_ptr<Session>)> give_back);
  Snapshot(Snapshot&&) noexcept = default;
  Snapshot& operator=(Snapshot&& other) noexcept;
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
  /// Errors: unavailable (try the next batch again), conflict (another server is the writer now:
  /// stop writing).
  virtual Result<void> begin() = 0;
  virtual Result<void> savepoint() = 0;
  /// Errors: of any statement that failed since savepoint(), even one that the caller ignored; the
  /// caller then rolls back to it.
  virtual Result<void> release_savepoint() = 0;
  /// Undoes everything since savepoint() and forgets it. Savepoints nest.
  /// Errors: unavailable: the transaction is lost, and with it the batch.
  virtual Result<void> rollback_to_savepoint() = 0;
  /// Durable when it returns. Errors: unavailable; then nothing of the batch is stored, except when
  /// the connection to PostgreSQL breaks within the commit: then it is unknown, and the caller's
  /// idempotency key decides.
  virtual Result<void> commit() = 0;
  virtual void rollback() = 0;
  /// Between batches, after the answers have left: keeps the WAL short (SQLite).
  virtual void between_batches() = 0;
  /// When the writer has had nothing to do for a while: empties the WAL (SQLite).
  virtual void idle() = 0;

  /// A reader, waiting for a free one at most a second.  Errors: unavailable.  Any thread.
  virtual Result<Snapshot> snapshot() = 0;
};

}  // namespace baton::store
