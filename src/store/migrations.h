// SPDX-License-Identifier: MIT
#pragma once
// The numbered steps that bring a database to the present schema. A step is applied once, in a
// transaction of its own together with its number (table meta), so that a server killed in the
// middle resumes. A released step is never edited: a change is a new step.
//
// Rules for both dialects: integers are BIGINT (INTEGER only for an SQLite rowid key), text is
// TEXT, reals are DOUBLE PRECISION. In PostgreSQL every text column is declared COLLATE "C",
// because SQLite compares bytes and both backends must sort alike.
#include <span>
#include <string>
#include <string_view>

namespace baton::store {

struct Migration {
  int version;
  std::string_view name;
  std::string_view sqlite;    // statements separated by ';'; empty = nothing to do
  std::string_view postgres;  // the same
};

/// All of them, in order of version from 1 without gaps.
std::span<const Migration> migrations();
/// The version that this program understands.
int schema_version();

// One constant per step, defined in migrations_<name>.cc and listed in migrations.cc.
extern const Migration kMigrationCore;
extern const Migration kMigrationRuns;
extern const Migration kMigrationLeases;
extern const Migration kMigrationExpiry;
extern const Migration kMigrationGates;
extern const Migration kMigrationWaited;

/// What PostgreSQL is told where it differs from SQLite by the rules above only.
std::string to_postgres(std::string sqlite);

}  // namespace baton::store
