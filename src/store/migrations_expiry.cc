// SPDX-License-Identifier: MIT
// A grant and its end touch fewer rows: the time of expiry is a column of the lease and no row of
// table deadline, who uses a slot for himself is read from the slot until he leaves it, and the
// live leases have one index instead of two. Leases are pruned in the order of their arrival.
#include "store/migrations.h"

namespace baton::store {
namespace {

constexpr std::string_view kBoth = R"sql(
ALTER TABLE lease ADD COLUMN expires_at BIGINT;
UPDATE lease SET expires_at = (SELECT due FROM deadline WHERE kind = 'lease_expiry' AND
  subject = 'lease:' || lease.id) WHERE state = 1;
DELETE FROM deadline WHERE kind = 'lease_expiry';
CREATE INDEX lease_expiry ON lease (expires_at, id) WHERE expires_at IS NOT NULL;
DROP INDEX lease_live;
DROP INDEX lease_party;
DROP INDEX lease_ended;
CREATE INDEX lease_live ON lease (holder, state, seq) WHERE state < 2;
DELETE FROM lease_use WHERE to_at IS NULL AND mode = 0;
)sql";

}  // namespace

const Migration kMigrationExpiry{4, "expiry in the lease", kBoth, kBoth};

}  // namespace baton::store
