// SPDX-License-Identifier: MIT
#pragma once
// Looks at a database file before anything may write to it, so that a damaged, foreign or newer
// file is refused with every byte unchanged.
#include <string>
#include <vector>

#include "store/sqlite_session.h"

namespace baton::store {

/// "BATN": marks the file as ours (PRAGMA application_id).
inline constexpr std::int64_t kApplicationId = 0x4241544E;

enum class SqliteFile { absent, ours };

/// The caller holds the folder's lock. `made_later`: as in Options.
/// Errors: unavailable (damaged, lost, not a Baton database), conflict (of a newer Baton).
Result<SqliteFile> inspect_sqlite_file(const std::string& path,
                                       const std::vector<std::string>& made_later);

/// The applied schema version, 0 before the first migration.
Result<int> sqlite_schema_version(Session& session);

}  // namespace baton::store
