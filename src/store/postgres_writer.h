// SPDX-License-Identifier: MIT
#pragma once
// How a server becomes the writer of a PostgreSQL database: connect, look at what is there, take
// the advisory lock, bring the schema to the present version.
#include <string>

#include "store/postgres_session.h"

namespace baton::store {

struct PostgresTarget {
  std::string url;
  std::string schema;    // checked: [a-z_][a-z0-9_]*
  std::string instance;  // random: tells our own sessions from those of other servers
};

/// A connection with its search path set and the server's version and encoding checked.
/// role: "writer" or "reader".  Errors: unavailable.
Result<std::unique_ptr<PostgresSession>> connect_postgres(const PostgresTarget& target,
                                                          std::string_view role);

/// Takes the lock of the schema, waiting a moment for one whose holder just died. A session of our
/// own that the server still believes alive is ended.  Errors: conflict (another server),
/// unavailable.
Result<void> become_writer(PostgresSession& session, const PostgresTarget& target);

/// Errors: conflict (of a newer Baton; nothing was changed), unavailable.
Result<int> postgres_schema_version(PostgresSession& session, const PostgresTarget& target);
/// Applies what is missing, each step in a transaction of its own. The lock is held.
Result<void> migrate_postgres(PostgresSession& session, const PostgresTarget& target);

}  // namespace baton::store
