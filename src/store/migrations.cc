// SPDX-License-Identifier: MIT
#include "store/migrations.h"

#include <array>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace baton::store {

std::span<const Migration> migrations() {
  static const std::vector<Migration> kAll = [] {
    std::vector<Migration> all{
        kMigrationCore,
        kMigrationRuns,
        kMigrationLeases,
        kMigrationExpiry,
        kMigrationGates,
        kMigrationWaited,
    };
    int expected = 1;
    for (const Migration& migration : all)
      BATON_ASSERT(migration.version == expected++, "migrations are numbered without gaps");
    return all;
  }();
  return kAll;
}

std::string to_postgres(std::string sqlite) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kWords{{
      {" TEXT ", " TEXT COLLATE \"C\" "},
      {"INTEGER PRIMARY KEY AUTOINCREMENT", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"},
      {"INTEGER PRIMARY KEY", "BIGINT PRIMARY KEY"},
      {") WITHOUT ROWID", ")"},
  }};
  for (const auto& [from, to] : kWords)
    for (std::size_t at = 0; (at = sqlite.find(from, at)) != std::string::npos; at += to.size())
      sqlite.replace(at, from.size(), to);
  return sqlite;
}

int schema_version() { return migrations().back().version; }

}  // namespace baton::store
