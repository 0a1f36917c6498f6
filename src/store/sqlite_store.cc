// SPDX-License-Identifier: MIT
#include "store/sqlite_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <semaphore>
#include <vector>

#include "base/log.h"
#include "store/lock_file.h"
#include "store/migrations.h"
#include "store/reader_pool.h"
#include "store/row_cache.h"
#include "store/sqlite_file.h"

namespace baton::store {
namespace {

// Small, because the operating system caches the file as well: a few MB of hot index pages suffice
// for millions of rows, and memory is promised to stay below 100 MB.
constexpr int kWriterCacheKib = 8'000;
constexpr int kReaderCacheKib = 4'000;
// 1,000 pages of 4 KiB: the WAL stays near 4 MB, and a checkpoint takes some milliseconds.
constexpr int kCheckpointPages = 1'000;
// Readers that overlap without end keep the WAL from beginning anew. From 64 MB on the writer waits
// for them, a moment each time.
constexpr int kWalPagesMax = 16'000;
constexpr int kReadersWaitMs = 100;
// How long a batch and a snapshot of a memory database wait for each other.
constexpr std::chrono::seconds kMemoryWait{5};

/// Makes table meta and applies what is missing, each step in its own transaction.
Result<void> migrate(SqliteSession& session) {
  BATON_TRY(version, sqlite_schema_version(session));
  if (version == 0) {
    BATON_TRY_VOID(session.script(fmt::format(
        "BEGIN IMMEDIATE; PRAGMA application_id={};"
        "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
        "INSERT INTO meta VALUES ('schema_version', '0') ON CONFLICT DO NOTHING; COMMIT",
        kApplicationId)));
  }
  for (const Migration& migration : migrations()) {
    if (migration.version <= version) continue;
    auto applied =
        session.script(fmt::format("BEGIN IMMEDIATE; {}; UPDATE meta SET value = '{}' WHERE key = "
                                   "'schema_version'; COMMIT",
                                   migration.sqlite, migration.version));
    if (!applied) {
      if (session.in_transaction()) (void)session.script("ROLLBACK");
      return fail(applied.error().code, "migration {} ({}): {}", migration.version, migration.name,
                  applied.error().message);
    }
  }
  return {};
}

/// A session of somebody else.
class Borrowed final : public Session {
 public:
  explicit Borrowed(Session& session) : session_(session) {}
  Dialect dialect() const override { return session_.dialect(); }
  const std::optional<Error>& failure() const override { return session_.failure(); }

 private:
  Result<void> do_exec(std::string_view sql, std::span<const Value> args) override {
    return session_.exec(sql, args);
  }
  Result<Rows> do_query(std::string_view sql, std::span<const Value> args) override {
    return session_.query(sql, args);
  }
  Session& session_;
};

class SqliteStore : public Store {
 public:
  SqliteStore(std::optional<LockFile> lock, std::unique_ptr<SqliteSession> writer)
      : lock_(std::move(lock)), writer_(std::move(writer)) {
    writer_->remember_rows();
  }

  Dialect dialect() const override { return Dialect::sqlite; }
  Session& writer() override { return *writer_; }

  Result<void> begin() override {
    SqliteStore::rollback();  // of a batch that was left open; not what a derived store adds to it
    savepoints_.clear();
    unchanged_ = sqlite3_total_changes64(writer_->handle());
    return writer_->exec("BEGIN IMMEDIATE");
  }
  Result<void> savepoint() override {
    if (writer_->failure()) return tl::unexpected(*writer_->failure());
    // SQLite copies each page that changes after a savepoint. The first operation that changes
    // anything is undone with the transaction, and needs none.
    const bool real = sqlite3_total_changes64(writer_->handle()) != unchanged_;
    if (real) BATON_TRY_VOID(writer_->exec("SAVEPOINT operation"));
    savepoints_.push_back(real);
    return {};
  }
  Result<void> release_savepoint() override {
    if (writer_->failure()) return tl::unexpected(*writer_->failure());
    if (savepoints_.back()) BATON_TRY_VOID(writer_->exec("RELEASE operation"));
    savepoints_.pop_back();
    return {};
  }
  Result<void> rollback_to_savepoint() override {
    writer_->cache()->undo();
    // SQLite drops the whole transaction by itself after some failures, a full disk among them.
    if (!writer_->in_transaction())
      return fail(Code::unavailable, "the transaction was lost: {}",
                  writer_->failure() ? writer_->failure()->message : "unknown cause");
    writer_->clear_failure();
    const bool real = savepoints_.back();
    savepoints_.pop_back();
    BATON_TRY_VOID(writer_->exec(real ? "ROLLBACK TO operation" : "ROLLBACK"));
    if (!real) unchanged_ = sqlite3_total_changes64(writer_->handle());
    return writer_->exec(real ? "RELEASE operation" : "BEGIN IMMEDIATE");
  }
  Result<void> commit() override {
    auto committed = writer_->failure() ? Result<void>(tl::unexpected(*writer_->failure()))
                                        : writer_->exec("COMMIT");
    if (committed) writer_->cache()->end();
    if (committed) return {};
    rollback();
    committed.error().code = Code::unavailable;
    return committed;
  }
  void rollback() override {
    writer_->clear_failure();
    writer_->cache()->undo();
    writer_->cache()->end();
    if (writer_->in_transaction()) (void)writer_->exec("ROLLBACK");
  }
  void between_batches() override {}
  void idle() override {}

 protected:
  std::optional<LockFile> lock_;  // given back last, after the writer's closing checkpoint
  std::unique_ptr<SqliteSession> writer_;

 private:
  std::vector<bool> savepoints_;    // that are open: whether the database has one, too
  std::int64_t unchanged_ = 0;      // the count of changes when the transaction began
};

class SqliteDiskStore final : public SqliteStore {
 public:
  SqliteDiskStore(LockFile lock, std::unique_ptr<SqliteSession> writer, const std::string& path,
                  int readers)
      : SqliteStore(std::move(lock), std::move(writer)),
        pool_(
            readers,
            [path]() -> Result<std::unique_ptr<Session>> {
              BATON_TRY(session,
                        SqliteSession::open(path, SqliteSession::Mode::read_only, kReaderCacheKib));
              return std::unique_ptr<Session>(std::move(session));
            },
            [](Session& session) { return session.exec("BEGIN").has_value(); },
            [](Session& session) {
              static_cast<SqliteSession&>(session).clear_failure();
              return session.exec("ROLLBACK").has_value();
            }) {
    sqlite3_wal_hook(writer_->handle(), &SqliteDiskStore::on_commit, this);
  }

  Result<Snapshot> snapshot() override { return pool_.take(); }

  void between_batches() override {
    if (wal_pages_ < next_checkpoint_) return;
    if (wal_pages_ > kWalPagesMax)
      checkpoint(SQLITE_CHECKPOINT_RESTART, kReadersWaitMs);
    else
      checkpoint(SQLITE_CHECKPOINT_PASSIVE, 0);
    // While a reader keeps old pages in use the WAL grows on; try again after as much more.
    next_checkpoint_ = wal_pages_ + kCheckpointPages;
  }

  void idle() override {
    if (wal_pages_ == 0) return;
    // A reader must not hold up the writer: what cannot be done at once is done at the next idle.
    checkpoint(SQLITE_CHECKPOINT_TRUNCATE, 0);
  }

 private:
  static int on_commit(void* self, sqlite3*, const char*, int pages) {
    auto& store = *static_cast<SqliteDiskStore*>(self);
    if (pages < store.wal_pages_) store.next_checkpoint_ = kCheckpointPages;  // the WAL began anew
    store.wal_pages_ = pages;
    return SQLITE_OK;
  }

  void checkpoint(int mode, int wait_ms) {
    sqlite3* db = writer_->handle();
    sqlite3_busy_timeout(db, wait_ms);
    const int code = sqlite3_wal_checkpoint_v2(db, nullptr, mode, nullptr, nullptr);
    sqlite3_busy_timeout(db, kBusyTimeoutMs);
    if (code == SQLITE_OK && mode == SQLITE_CHECKPOINT_TRUNCATE) {
      wal_pages_ = 0;
      next_checkpoint_ = kCheckpointPages;
    }
    if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) return;
    log::warn("store.checkpoint_failed", {{"error", sqlite3_errstr(code)}});
  }

  ReaderPool pool_;
  int wal_pages_ = 0;
  int next_checkpoint_ = kCheckpointPages;
};

class SqliteMemoryStore final : public SqliteStore {
 public:
  explicit SqliteMemoryStore(std::unique_ptr<SqliteSession> writer)
      : SqliteStore(std::nullopt, std::move(writer)) {}

  Result<void> begin() override {
    let_go();
    if (!free_.try_acquire_for(kMemoryWait))
      return fail(Code::unavailable, "a snapshot of the memory database is held");
    held_ = true;
    auto begun = SqliteStore::begin();
    if (!begun) let_go();
    return begun;
  }
  Result<void> commit() override {
    auto committed = SqliteStore::commit();
    let_go();
    return committed;
  }
  void rollback() override {
    SqliteStore::rollback();
    let_go();
  }
  Result<Snapshot> snapshot() override {
    if (!free_.try_acquire_for(kMemoryWait))
      return fail(Code::unavailable, "the memory database is in use");
    return Snapshot(std::make_unique<Borrowed>(*writer_), [this](std::unique_ptr<Session>) {
      writer_->clear_failure();
      free_.release();
    });
  }

 private:
  void let_go() {
    if (!std::exchange(held_, false)) return;
    free_.release();
  }

  std::binary_semaphore free_{1};
  bool held_ = false;  // by the batch
};

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite(const Options& options) {
  BATON_TRY_VOID(make_directories(options.data));
  BATON_TRY(lock, LockFile::acquire(options.data));
  const std::string path = options.data + "/baton.db";
  BATON_TRY(found, inspect_sqlite_file(path, options.made_later));
  const auto mode = found == SqliteFile::absent ? SqliteSession::Mode::read_write_create
                                                : SqliteSession::Mode::read_write;
  BATON_TRY(writer, SqliteSession::open(path, mode, kWriterCacheKib));
  BATON_TRY(journal, writer->query("PRAGMA journal_mode=WAL"));
  if (journal.empty() || journal[0].text(0) != "wal")
    return fail_with_fix(Code::unavailable, "choose a folder of a local disk with --data",
                         "{} cannot use a write-ahead log; is it a network file system?",
                         options.data);
  BATON_TRY_VOID(writer->script("PRAGMA synchronous=FULL; PRAGMA journal_size_limit=16777216"));
  BATON_TRY_VOID(migrate(*writer));
  if (found == SqliteFile::absent) BATON_TRY_VOID(synchronise_folder(options.data));
  return std::make_unique<SqliteDiskStore>(std::move(lock), std::move(writer), path,
                                           options.readers);
}

Result<std::unique_ptr<Store>> open_sqlite_memory() {
  BATON_TRY(writer, SqliteSession::open(":memory:", SqliteSession::Mode::read_write_create,
                                        kWriterCacheKib));
  BATON_TRY_VOID(migrate(*writer));
  return std::make_unique<SqliteMemoryStore>(std::move(writer));
}

}  // namespace baton::store
