// SPDX-License-Identifier: MIT
// The failures of a delivery and its waits are counted: its time to be delivered depends neither on
// the clock nor on what it was told before.
#include "store/migrations.h"

namespace baton::store {
namespace {

constexpr std::string_view kBoth = R"sql(
ALTER TABLE delivery ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN waited_ms BIGINT NOT NULL DEFAULT 0;
)sql";

}  // namespace

const Migration kMigrationWaited{6, "waits of deliveries", kBoth, kBoth};

}  // namespace baton::store
