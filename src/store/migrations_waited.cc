// SPDX-License-Identifier: MIT
// The failures of a delivery and its waits are counted: its time to be delivered depends neither on
// the clock nor on what it was told before. What was said to the log of a gate is not taken for the
// text of its execution. Those without a gate are found by their end, gates by
// the name that a CloudEvent says.
#include "store/migrations.h"

namespace baton::store {
namespace {

constexpr std::string_view kBoth = R"sql(
ALTER TABLE delivery ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN waited_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE gate ADD COLUMN posted_bytes BIGINT NOT NULL DEFAULT 0;
CREATE INDEX delivery_alone ON delivery (ended_at) WHERE gate = '' AND ended_at IS NOT NULL;
CREATE INDEX gate_name ON gate (name) WHERE state = 0 AND watcher = '';
)sql";

}  // namespace

const Migration kMigrationWaited{6, "waits of deliveries, searches", kBoth, kBoth};

}  // namespace baton::store
