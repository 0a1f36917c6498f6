// SPDX-License-Identifier: MIT
#include "store/postgres_store.h"

#include <chrono>
#include <optional>

#include "base/ids.h"
#include "base/log.h"
#include "store/migrations.h"
#include "store/postgres_writer.h"
#include "store/reader_pool.h"
#include "store/row_cache.h"

namespace baton::store {
namespace {

using Clock = std::chrono::steady_clock;

// A dead server answers connection attempts slowly: between two of them commands fail at once.
constexpr std::chrono::milliseconds kReconnectPause{1'000};

Result<void> check_schema_name(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  bool valid = !name.empty() && name.size() <= 63 && is_letter(name[0]);
  for (const char c : name) valid = valid && (is_letter(c) || (c >= '0' && c <= '9'));
  if (!valid)
    return fail(Code::invalid, "the schema name '{}' must match [a-z_][a-z0-9_]*, 63 at most",
                name);
  return {};
}

bool begin_reading(Session& session) {
  auto& postgres = static_cast<PostgresSession&>(session);
  postgres.clear_failure();
  return postgres.frame("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") && postgres.sync();
}

bool end_reading(Session& session) {
  auto& postgres = static_cast<PostgresSession&>(session);
  if (postgres.broken()) return false;
  (void)postgres.sync();  // answers of what failed are read before the transaction ends
  postgres.clear_failure();
  return postgres.frame("ROLLBACK") && postgres.sync();
}

class PostgresStore final : public Store {
 public:
  PostgresStore(PostgresTarget target, std::unique_ptr<PostgresSession> writer, int readers)
      : target_(std::move(target)), writer_(std::move(writer)),
        pool_(readers,
              [this]() -> Result<std::unique_ptr<Session>> {
                BATON_TRY(session, connect_postgres(target_, "reader"));
                return std::unique_ptr<Session>(std::move(session));
              },
              begin_reading, end_reading) {
    writer_->remember_rows();
  }

  Dialect dialect() const override { return Dialect::postgres; }
  Session& writer() override { return *writer_; }
  Result<Snapshot> snapshot() override { return pool_.take(); }

  Result<void> begin() override {
    if (writer_->broken()) {
      BATON_TRY_VOID(reconnect());
    }
    rollback();
    return writer_->frame("BEGIN");
  }

  Result<void> savepoint() override {
    if (writer_->failure()) return tl::unexpected(*writer_->failure());
    return writer_->frame("SAVEPOINT operation");
  }

  Result<void> release_savepoint() override {
    if (writer_->failure()) return tl::unexpected(*writer_->failure());
    // Whether the operation's last statements worked must be known now; otherwise the release rides
    // along with the next operation.
    const bool unknown = writer_->has_unknown();
    BATON_TRY_VOID(writer_->frame("RELEASE SAVEPOINT operation"));
    return unknown ? writer_->sync() : Result<void>();
  }

  Result<void> rollback_to_savepoint() override {
    writer_->cache()->undo();
    if (writer_->has_unknown() || writer_->failure()) {
      (void)writer_->sync();
      if (writer_->broken() || !writer_->in_transaction())
        return fail(Code::unavailable, "the transaction was lost: {}",
                    writer_->failure() ? writer_->failure()->message : "unknown cause");
      writer_->clear_failure();
    }
    BATON_TRY_VOID(writer_->frame("ROLLBACK TO SAVEPOINT operation"));
    return writer_->frame("RELEASE SAVEPOINT operation");
  }

  Result<void> commit() override {
    auto committed = writer_->frame("COMMIT");
    if (committed) committed = writer_->sync();
    // PostgreSQL answers the COMMIT of a failed transaction with a rollback, and no error.
    if (committed && writer_->last_tag() != "COMMIT")
      committed = fail(Code::unavailable, "the transaction was rolled back");
    if (committed) writer_->cache()->end();
    if (committed) return {};
    rollback();
    committed.error().code = Code::unavailable;
    return committed;
  }

  void rollback() override {
    writer_->cache()->undo();
    writer_->cache()->end();
    if (writer_->broken()) return;
    (void)writer_->sync();
    writer_->clear_failure();
    if (writer_->broken() || !writer_->in_transaction()) return;
    if (writer_->frame("ROLLBACK")) (void)writer_->sync();
    writer_->clear_failure();
  }

  void between_batches() override {}
  void idle() override {}

 private:
  Result<void> reconnect() {
    if (Clock::now() < not_before_)
      return fail(Code::unavailable, "PostgreSQL cannot be reached");
    auto connected = connect_again();
    if (connected) return {};
    not_before_ = Clock::now() + kReconnectPause;
    return connected;
  }

  Result<void> connect_again() {
    BATON_TRY(session, connect_postgres(target_, "writer"));
    BATON_TRY_VOID(become_writer(*session, target_));
    BATON_TRY(version, postgres_schema_version(*session, target_));
    if (version != schema_version())
      return fail(Code::conflict, "the database was changed by another Baton (schema {})", version);
    writer_ = std::move(session);
    writer_->remember_rows();
    log::info("store.reconnected");
    return {};
  }

  const PostgresTarget target_;
  std::unique_ptr<PostgresSession> writer_;
  ReaderPool pool_;
  Clock::time_point not_before_;
};

}  // namespace

bool is_postgres_url(std::string_view data) {
  return data.starts_with("postgres://") || data.starts_with("postgresql://");
}

Result<std::unique_ptr<Store>> open_postgres(const Options& options) {
  BATON_TRY_VOID(check_schema_name(options.schema));
  PostgresTarget target{options.data, options.schema, random_hex(8)};
  BATON_TRY(writer, connect_postgres(target, "writer"));
  BATON_TRY_VOID(postgres_schema_version(*writer, target));  // refused before anything is changed
  BATON_TRY_VOID(become_writer(*writer, target));
  BATON_TRY_VOID(migrate_postgres(*writer, target));
  return std::make_unique<PostgresStore>(std::move(target), std::move(writer), options.readers);
}

}  // namespace baton::store
