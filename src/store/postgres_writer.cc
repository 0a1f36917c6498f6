// SPDX-License-Identifier: MIT
#include "store/postgres_writer.h"

#include <charconv>

#include "base/fnv.h"
#include "base/log.h"
#include "store/migrations.h"

namespace baton::store {
namespace {

constexpr int kServerVersionMin = 150'000;
// A server that was just killed still holds its lock for a moment.
constexpr std::string_view kLockWait = "2s";
// Baton's statements take milliseconds; one that takes so long will not end well.
constexpr std::string_view kStatementTimeout = "30s";

/// Any 64-bit number that differs per schema will do.
std::int64_t lock_key(const PostgresTarget& target) {
  return static_cast<std::int64_t>(fnv1a("baton writer " + target.schema));
}

Result<void> try_lock(PostgresSession& session, std::int64_t key) {
  BATON_TRY_VOID(session.script(fmt::format("SET lock_timeout = '{}'", kLockWait)));
  const auto locked = session.query("SELECT pg_advisory_lock(?)", {key});
  session.clear_failure();
  BATON_TRY_VOID(session.script("SET lock_timeout = 0"));
  if (locked) return {};
  return tl::unexpected(locked.error());
}

// PostgreSQL cuts longer names; ours must be recognised again.
constexpr std::size_t kNameMax = 63;

std::string session_name(std::string_view role, const PostgresTarget& target) {
  return fmt::format("baton {} {}", role, target.instance).substr(0, kNameMax);
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

}  // namespace

Result<std::unique_ptr<PostgresSession>> connect_postgres(const PostgresTarget& target,
                                                          std::string_view role) {
  const std::string name = session_name(role, target);
  BATON_TRY(session, PostgresSession::connect(target.url, name));
  if (PQserverVersion(session->handle()) < kServerVersionMin)
    return fail(Code::unavailable, "PostgreSQL {} is too old; Baton needs 15",
                PQserverVersion(session->handle()) / 10'000);
  BATON_TRY(rows, session->query("SELECT current_setting('server_encoding'), "
                                 "current_setting('synchronous_commit'), pg_is_in_recovery()"));
  if (rows[0].text(0) != "UTF8")
    return fail(Code::unavailable, "the database's encoding is {}; Baton needs UTF8",
                rows[0].text(0));
  if (role == "writer" && rows[0].integer(2) != 0)
    return fail(Code::unavailable, "this PostgreSQL server is a standby and cannot be written");
  // An answer promises durability, whatever the database's default is.
  const std::string_view durable = rows[0].text(1) == "off" ? "SET synchronous_commit = on;" : "";
  BATON_TRY_VOID(session->script(fmt::format(
      "{} SET application_name = {}; SET search_path TO {}; SET statement_timeout = '{}'; "
      "SET standard_conforming_strings = on; SET client_min_messages = warning",
      // The address may name the application; a writer that lost its connection knows itself by it.
      durable, quoted(name), target.schema, kStatementTimeout)));
  return std::move(session);
}

Result<void> become_writer(PostgresSession& session, const PostgresTarget& target) {
  const std::int64_t key = lock_key(target);
  const auto locked = try_lock(session, key);
  if (locked) return {};
  if (session.broken()) return locked;
  BATON_TRY(holders, session.query("SELECT a.pid, a.application_name FROM pg_locks l "
                                   "JOIN pg_stat_activity a ON a.pid = l.pid "
                                   "JOIN pg_database d ON d.oid = l.database "
                                   "WHERE d.datname = current_database() AND l.locktype = "
                                   "'advisory' AND l.granted AND l.objsubid = 1 "
                                   "AND l.classid::bigint = (?::bigint >> 32) & 4294967295 "
                                   "AND l.objid::bigint = ?::bigint & 4294967295",
                                   {key, key}));
  const std::string own = session_name("writer", target);
  if (!holders.empty() && holders[0].text(1) != own)
    return fail_with_fix(Code::conflict, "stop it, or give this server another database or schema",
                         "another Baton server writes this database (PostgreSQL session {})",
                         holders[0].integer(0));
  if (!holders.empty()) {
    // Our own former connection: broken here, but not yet noticed there.
    log::warn("store.old_session_ended", {{"pid", holders[0].integer(0)}});
    BATON_TRY_VOID(session.query("SELECT pg_terminate_backend(?::int)", {holders[0].integer(0)}));
  }
  return try_lock(session, key);
}

Result<int> postgres_schema_version(PostgresSession& session, const PostgresTarget& target) {
  BATON_TRY(table, session.query("SELECT to_regclass(?)::text", {target.schema + ".meta"}));
  if (table[0].is_null(0)) return 0;
  BATON_TRY(rows, session.query("SELECT value FROM meta WHERE key = 'schema_version'"));
  int version = 0;
  if (!rows.empty()) {
    const std::string& text = rows[0].text(0);
    std::from_chars(text.data(), text.data() + text.size(), version);
  }
  if (version > schema_version())
    return fail_with_fix(Code::conflict, "install the newer Baton again, or restore a backup",
                         "the database was written by a newer Baton (schema {}, this one knows "
                         "{}); nothing was changed",
                         version, schema_version());
  return version;
}

Result<void> migrate_postgres(PostgresSession& session, const PostgresTarget& target) {
  BATON_TRY(version, postgres_schema_version(session, target));
  if (version == 0) {
    BATON_TRY_VOID(session.script(
        fmt::format("CREATE SCHEMA IF NOT EXISTS {}; CREATE TABLE IF NOT EXISTS meta "
                    "(key TEXT COLLATE \"C\" PRIMARY KEY, value TEXT COLLATE \"C\" NOT NULL); "
                    "INSERT INTO meta VALUES ('schema_version', '0') ON CONFLICT DO NOTHING",
                    target.schema)));
  }
  BATON_TRY_VOID(session.script("SET statement_timeout = 0"));
  for (const Migration& migration : migrations()) {
    if (migration.version <= version) continue;
    const auto applied = session.script(
        fmt::format("BEGIN; {}; UPDATE meta SET value = '{}' WHERE key = 'schema_version'; COMMIT",
                    migration.postgres, migration.version));
    if (!applied)
      return fail(applied.error().code, "migration {} ({}): {}", migration.version, migration.name,
                  applied.error().message);
  }
  return session.script(fmt::format("SET statement_timeout = '{}'", kStatementTimeout));
}

}  // namespace baton::store
