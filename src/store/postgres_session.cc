// SPDX-License-Identifier: MIT
#include "store/postgres_session.h"

#include "base/assert.h"
#include "base/text.h"
#include "store/postgres_values.h"

namespace baton::store {

Result<std::unique_ptr<PostgresSession>> PostgresSession::connect(const std::string& url,
                                                                  const std::string& name) {
  // A peer that vanished is noticed within 25 s: 10 s of silence and three unanswered probes, or
  // 20 s of unacknowledged data. The URL comes last, so that its settings win.
  const char* keys[] = {"application_name",    "connect_timeout",  "keepalives_idle",
                        "keepalives_interval", "keepalives_count", "tcp_user_timeout",
                        "client_encoding",     "dbname",           nullptr};
  const char* values[] = {name.c_str(), "5",     "10",        "5", "3",
                          "20000",      "UTF8", url.c_str(), nullptr};
  PGconn* connection = PQconnectdbParams(keys, values, 1);
  std::unique_ptr<PostgresSession> session{new PostgresSession(connection)};
  if (PQstatus(connection) != CONNECTION_OK)
    return fail_with_fix(Code::unavailable, "check that PostgreSQL runs and the address is right",
                         "PostgreSQL cannot be reached: {}", trim(PQerrorMessage(connection)));
  // Notices ("table exists, skipping") would go to standard error.
  PQsetNoticeReceiver(connection, [](void*, const PGresult*) {}, nullptr);
  BATON_ASSERT(PQenterPipelineMode(connection) == 1, "a new connection is idle");
  return session;
}

PostgresSession::~PostgresSession() { PQfinish(connection_); }

tl::unexpected<Error> PostgresSession::lost() {
  broken_ = true;
  pending_.clear();
  Error error{Code::unavailable, fmt::format("the connection to PostgreSQL is lost: {}",
                                             trim(PQerrorMessage(connection_)))};
  if (!failure_) failure_ = error;
  return tl::unexpected(std::move(error));
}

Result<void> PostgresSession::script(const std::string& sql) {
  BATON_TRY_VOID(sync());
  if (PQexitPipelineMode(connection_) != 1) return lost();
  const ResultPtr result(PQexec(connection_, sql.c_str()));
  const ExecStatusType status = PQresultStatus(result.get());
  if (PQstatus(connection_) != CONNECTION_OK || PQenterPipelineMode(connection_) != 1)
    return lost();
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    return tl::unexpected(postgres_error(result.get(), sql));
  return {};
}

void PostgresSession::forget(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  const auto statement = found->second;
  by_key_.erase(found);
  statements_.erase(statement);
}

Result<void> PostgresSession::forget_oldest() {
  const std::string sql = "DEALLOCATE " + statements_.back().name;
  if (PQsendQueryParams(connection_, sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) != 1)
    return lost();
  pending_.push_back({Pending::Kind::statement, ""});
  by_key_.erase(statements_.back().key);
  statements_.pop_back();
  return {};
}

Result<std::string> PostgresSession::prepare(std::string_view sql, const std::string& key,
                                             const std::vector<Oid>& types) {
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    statements_.splice(statements_.begin(), statements_, found->second);
    return found->second->name;
  }
  if (statements_.size() >= kStatementsCachedMax) {
    BATON_TRY_VOID(forget_oldest());
  }
  const std::string name = fmt::format("s{}", ++next_name_);
  if (PQsendPrepare(connection_, name.c_str(), number_parameters(sql).c_str(),
                    static_cast<int>(types.size()), types.data()) != 1)
    return lost();
  pending_.push_back({Pending::Kind::prepare, key});
  statements_.push_front({key, name});
  by_key_.emplace(statements_.front().key, statements_.begin());
  return name;
}

Result<void> PostgresSession::send(std::string_view sql, std::span<const Value> args) {
  if (failure_) return tl::unexpected(*failure_);
  if (pending_.size() >= kPipelinedMax) BATON_TRY_VOID(sync());
  const PostgresParameters parameters(args);
  const std::string key = fmt::format("{}:{}", parameters.signature, sql);
  BATON_TRY(name, prepare(sql, key, parameters.types));
  if (PQsendQueryPrepared(connection_, name.c_str(), static_cast<int>(args.size()),
                          parameters.values.data(), nullptr, nullptr, 0) != 1)
    return lost();
  pending_.push_back({Pending::Kind::statement, key});
  return {};
}

void PostgresSession::take_answer(const Pending& pending, Rows* rows) {
  // A statement answers with one result and a null that ends it; a sync with one result.
  const ResultPtr result(PQgetResult(connection_));
  if (pending.kind != Pending::Kind::sync && result)
    while (PGresult* more = PQgetResult(connection_)) PQclear(more);
  const ExecStatusType status = result ? PQresultStatus(result.get()) : PGRES_FATAL_ERROR;
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_PIPELINE_SYNC) {
    if (pending.kind != Pending::Kind::statement) return;
    last_tag_ = PQcmdStatus(const_cast<PGresult*>(result.get()));
    if (rows && pending_.size() == 2) *rows = rows_of(result.get());
    return;
  }
  // What was to be prepared behind a failed statement was skipped by the server.
  if (pending.kind == Pending::Kind::prepare) forget(pending.key);
  if (!failure_)
    failure_ = result ? postgres_error(result.get(), pending.key.substr(pending.key.find(':') + 1))
                      : Error{Code::unavailable, "the connection to PostgreSQL is lost"};
}

Result<void> PostgresSession::drain(Rows* rows) {
  if (PQpipelineSync(connection_) != 1) return lost();
  pending_.push_back({Pending::Kind::sync, ""});
  while (!pending_.empty()) {
    take_answer(pending_.front(), rows);
    if (PQstatus(connection_) != CONNECTION_OK) return lost();
    pending_.pop_front();
  }
  has_unknown_ = false;
  if (failure_) return tl::unexpected(*failure_);
  return {};
}

Result<void> PostgresSession::sync() {
  if (broken_) return lost();
  if (pending_.empty()) return failure_ ? Result<void>(tl::unexpected(*failure_)) : Result<void>();
  return drain(nullptr);
}

Result<void> PostgresSession::do_exec(std::string_view sql, std::span<const Value> args) {
  auto sent = send(sql, args);
  has_unknown_ = true;  // after send(), which may have read the answers of those before it
  return sent;
}

Result<void> PostgresSession::frame(std::string_view sql) { return send(sql, {}); }

Result<Rows> PostgresSession::do_query(std::string_view sql, std::span<const Value> args) {
  BATON_TRY_VOID(send(sql, args));
  Rows rows;
  // The statement is the last but one of what is queued: only the sync follows it.
  BATON_TRY_VOID(drain(&rows));
  return rows;
}

}  // namespace baton::store
