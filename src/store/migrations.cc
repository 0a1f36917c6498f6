// SPDX-License-Identifier: MIT
#include "store/migrations.h"

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
    };
    int expected = 1;
    for (const Migration& migration : all)
      BATON_ASSERT(migration.version == expected++, "migrations are numbered without gaps");
    return all;
  }();
  return kAll;
}

int schema_version() { return migrations().back().version; }

}  // namespace baton::store
