// SPDX-License-Identifier: MIT
#pragma once
// One connection to PostgreSQL in pipeline mode: exec() only queues, query() and sync() send and
// read everything. After a failed statement all further ones fail alike until clear_failure(), as
// the server's transaction does. Owned by the PostgreSQL store; one thread at a time; blocks on the
// network, bounded by tcp_user_timeout and statement_timeout.
#include <libpq-fe.h>

#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>

#include "store/session.h"

namespace baton::store {

/// Statements queued before their answers are read. An answer is below 100 bytes, so that neither
/// side ever blocks on a full socket buffer (64 KiB and more).
inline constexpr std::size_t kPipelinedMax = 200;

class PostgresSession final : public Session {
 public:
  /// url: what the user gave; its own settings win over Baton's time-outs. name: shown by the
  /// server as application_name.  Errors: unavailable.
  static Result<std::unique_ptr<PostgresSession>> connect(const std::string& url,
                                                          const std::string& name);
  ~PostgresSession() override;
  PostgresSession(const PostgresSession&) = delete;
  PostgresSession& operator=(const PostgresSession&) = delete;

  Dialect dialect() const override { return Dialect::postgres; }
  PGconn* handle() { return connection_; }

  /// Runs statements separated by ';' at once, as one transaction. Nothing may be queued.
  Result<void> script(const std::string& sql);
  /// Sends what is queued and reads every answer.  Errors: of the first statement that failed.
  Result<void> sync();
  /// Queues a statement of the transaction's frame (BEGIN, SAVEPOINT …).
  Result<void> frame(std::string_view sql);
  /// Whether a statement other than those of the frame is queued, so that its fate is unknown.
  bool has_unknown() const { return has_unknown_; }

  bool broken() const { return broken_; }
  bool in_transaction() const { return PQtransactionStatus(connection_) != PQTRANS_IDLE; }
  /// The command tag of the last statement that succeeded: "COMMIT" or "ROLLBACK".
  const std::string& last_tag() const { return last_tag_; }
  const std::optional<Error>& failure() const override { return failure_; }
  void clear_failure() { failure_.reset(); }

 private:
  struct Statement {
    std::string key;  // signature and text
    std::string name;
  };
  struct Pending {
    enum class Kind { prepare, statement, sync } kind;
    std::string key;  // of the prepared statement
  };
  struct Cleared {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using ResultPtr = std::unique_ptr<PGresult, Cleared>;

  explicit PostgresSession(PGconn* connection) : connection_(connection) {}
  Result<void> do_exec(std::string_view sql, std::span<const Value> args) override;
  Result<Rows> do_query(std::string_view sql, std::span<const Value> args) override;
  Result<void> send(std::string_view sql, std::span<const Value> args);
  Result<std::string> prepare(std::string_view sql, const std::string& key,
                              const std::vector<Oid>& types);
  Result<void> forget_oldest();
  void take_answer(const Pending& pending, Rows* rows);
  Result<void> drain(Rows* rows);
  void forget(const std::string& key);
  tl::unexpected<Error> lost();

  PGconn* connection_;
  std::list<Statement> statements_;  // most recently used first
  std::unordered_map<std::string_view, std::list<Statement>::iterator> by_key_;
  std::uint64_t next_name_ = 0;
  std::deque<Pending> pending_;
  std::string last_tag_;
  bool has_unknown_ = false;
  bool broken_ = false;
  std::optional<Error> failure_;
};

}  // namespace baton::store
