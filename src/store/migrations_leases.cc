// SPDX-License-Identifier: MIT
// Environments, their slots, leases and bookings.
//
// Enumerations are stored as the number of their enumerator (model/environment.h, model/lease.h),
// so these may only grow at the end.
#include "store/migrations.h"

namespace baton::store {
namespace {

// fence holds the last one given, for ever rising. lease_want has a row for each environment that a
// waiting lease may be given: it is the queue, in order. lease_use is who used a slot from when to
// when; it and slot_period (what else kept a slot busy; slot 0 = the whole environment) are what
// history and utilisation are made of. booking.ends_at: nothing of it is later (NULL: it has no
// end).
const std::string kSqlite = R"sql(
CREATE TABLE fence (
  id   BIGINT PRIMARY KEY,
  last BIGINT NOT NULL
);
INSERT INTO fence (id, last) VALUES (1, 0);
CREATE TABLE environment (
  name        TEXT PRIMARY KEY,
  slots       BIGINT NOT NULL,
  state       BIGINT NOT NULL,
  reason      TEXT NOT NULL,
  actor       TEXT NOT NULL,
  source      BIGINT NOT NULL,
  revision    BIGINT NOT NULL,
  created_at  BIGINT NOT NULL,
  state_since BIGINT NOT NULL,
  definition  TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE slot (
  environment TEXT NOT NULL,
  number      BIGINT NOT NULL,
  state       BIGINT NOT NULL,
  mode        BIGINT NOT NULL,
  holders     BIGINT NOT NULL,
  since       BIGINT NOT NULL,
  lease       TEXT NOT NULL,
  failures    BIGINT NOT NULL,
  message     TEXT NOT NULL,
  PRIMARY KEY (environment, number)
) WITHOUT ROWID;
CREATE INDEX slot_busy ON slot (environment, number) WHERE state > 1;
CREATE TABLE slot_period (
  environment TEXT NOT NULL,
  slot        BIGINT NOT NULL,
  from_at     BIGINT NOT NULL,
  to_at       BIGINT,
  state       BIGINT NOT NULL,
  PRIMARY KEY (environment, slot, from_at, state)
) WITHOUT ROWID;
CREATE TABLE lease (
  seq           INTEGER PRIMARY KEY AUTOINCREMENT,
  id            TEXT NOT NULL,
  state         BIGINT NOT NULL,
  holder        TEXT NOT NULL,
  run_id        BIGINT,
  supersede_key TEXT NOT NULL,
  fence         BIGINT NOT NULL,
  created_at    BIGINT NOT NULL,
  granted_at    BIGINT,
  ended_at      BIGINT,
  ended_by      TEXT NOT NULL,
  reason        TEXT NOT NULL,
  outcome       BIGINT,
  order_key     BIGINT NOT NULL,
  ttl_ms        BIGINT NOT NULL,
  max_hold_ms   BIGINT,
  grants        TEXT NOT NULL,
  detail        TEXT NOT NULL,
  ending        TEXT NOT NULL
);
CREATE UNIQUE INDEX lease_id ON lease (id);
CREATE INDEX lease_live ON lease (state, seq) WHERE state < 2;
CREATE INDEX lease_party ON lease (holder, seq) WHERE state < 2;
CREATE INDEX lease_superseding ON lease (supersede_key, seq)
  WHERE state = 0 AND supersede_key <> '';
CREATE INDEX lease_ended ON lease (ended_at, seq) WHERE ended_at IS NOT NULL;
CREATE TABLE lease_want (
  environment TEXT NOT NULL,
  order_key   BIGINT NOT NULL,
  seq         BIGINT NOT NULL,
  PRIMARY KEY (environment, order_key, seq)
) WITHOUT ROWID;
CREATE INDEX lease_want_seq ON lease_want (seq);
CREATE TABLE lease_use (
  environment TEXT NOT NULL,
  seq         BIGINT NOT NULL,
  slot        BIGINT NOT NULL,
  mode        BIGINT NOT NULL,
  fence       BIGINT NOT NULL,
  from_at     BIGINT NOT NULL,
  to_at       BIGINT,
  PRIMARY KEY (environment, seq, slot)
) WITHOUT ROWID;
CREATE INDEX lease_use_current ON lease_use (environment, slot, seq) WHERE to_at IS NULL;
CREATE INDEX lease_use_ended ON lease_use (environment, to_at) WHERE to_at IS NOT NULL;
CREATE TABLE run_lease (
  run_id BIGINT PRIMARY KEY,
  fence  BIGINT NOT NULL,
  data   TEXT NOT NULL
);
CREATE TABLE booking (
  id          TEXT PRIMARY KEY,
  environment TEXT NOT NULL,
  labels      TEXT NOT NULL,
  from_at     BIGINT NOT NULL,
  to_at       BIGINT NOT NULL,
  rrule       TEXT NOT NULL,
  kind        BIGINT NOT NULL,
  owner       TEXT NOT NULL,
  note        TEXT NOT NULL,
  created_at  BIGINT NOT NULL,
  created_by  TEXT NOT NULL,
  ends_at     BIGINT,
  under_way   BIGINT
) WITHOUT ROWID;
CREATE INDEX booking_environment ON booking (environment, ends_at);
)sql";

const std::string kPostgres = to_postgres(kSqlite);

}  // namespace

const Migration kMigrationLeases{3, "environments and leases", kSqlite, kPostgres};

}  // namespace baton::store
