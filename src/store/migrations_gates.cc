// SPDX-License-Identifier: MIT
// Gates, what belongs to them, and deliveries.
//
// Enumerations are stored as the number of their enumerator (model/gate.h, model/delivery.h), so
// these may only grow at the end.
#include "store/migrations.h"

namespace baton::store {
namespace {

// gate.watcher: whose news decide it: "testkube/PROFILE", "run" or "". gate.definition and
// delivery.fields are JSON; gate_secret.data is encrypted and goes with the last delivery.
const std::string kSqlite = R"sql(
CREATE TABLE gate (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT NOT NULL,
  state       BIGINT NOT NULL,
  verdict     BIGINT NOT NULL,
  source      BIGINT NOT NULL,
  name        TEXT NOT NULL,
  key         TEXT NOT NULL,
  link        TEXT NOT NULL,
  ident       TEXT NOT NULL,
  run_id      BIGINT,
  watcher     TEXT NOT NULL,
  lease       TEXT NOT NULL,
  reason      TEXT NOT NULL,
  url         TEXT NOT NULL,
  opened_by   TEXT NOT NULL,
  created_at  BIGINT NOT NULL,
  deadline_at BIGINT NOT NULL,
  decided_at  BIGINT,
  log_bytes   BIGINT NOT NULL,
  definition  TEXT NOT NULL,
  watched     TEXT NOT NULL
);
CREATE UNIQUE INDEX gate_id ON gate (id);
CREATE INDEX gate_pending ON gate (watcher, seq) WHERE state = 0;
CREATE INDEX gate_key ON gate (key, seq) WHERE key <> '';
CREATE INDEX gate_run ON gate (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX gate_ended ON gate (decided_at, seq) WHERE decided_at IS NOT NULL;
CREATE UNIQUE INDEX gate_ident ON gate (link, ident) WHERE ident <> '';
CREATE TABLE gate_label (
  name  TEXT NOT NULL,
  value TEXT NOT NULL,
  gate  BIGINT NOT NULL,
  PRIMARY KEY (name, value, gate)
) WITHOUT ROWID;
CREATE TABLE gate_secret (
  gate TEXT PRIMARY KEY,
  data TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE gate_artifact (
  gate   TEXT NOT NULL,
  path   TEXT NOT NULL,
  size   BIGINT NOT NULL,
  type   TEXT NOT NULL,
  digest TEXT NOT NULL,
  url    TEXT NOT NULL,
  PRIMARY KEY (gate, path)
) WITHOUT ROWID;
CREATE INDEX gate_artifact_digest ON gate_artifact (digest);
CREATE TABLE delivery (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT NOT NULL,
  gate        TEXT NOT NULL,
  lane        TEXT NOT NULL,
  link        TEXT NOT NULL,
  op          TEXT NOT NULL,
  fields      TEXT NOT NULL,
  condition   BIGINT NOT NULL,
  stage       BIGINT NOT NULL,
  state       BIGINT NOT NULL,
  attempts    BIGINT NOT NULL,
  next_at     BIGINT,
  first_at    BIGINT,
  last_status BIGINT NOT NULL,
  last_error  TEXT NOT NULL,
  error_class BIGINT NOT NULL,
  memo        TEXT NOT NULL,
  created_at  BIGINT NOT NULL,
  ended_at    BIGINT
);
CREATE UNIQUE INDEX delivery_id ON delivery (id);
CREATE INDEX delivery_gate ON delivery (gate, seq);
CREATE INDEX delivery_lane ON delivery (lane, seq) WHERE state = 0 AND lane <> '';
CREATE INDEX delivery_due ON delivery (next_at, seq) WHERE next_at IS NOT NULL;
CREATE INDEX delivery_dead ON delivery (seq) WHERE state = 2;
)sql";
const std::string kPostgres = to_postgres(kSqlite);

}  // namespace

const Migration kMigrationGates{5, "gates and deliveries", kSqlite, kPostgres};

}  // namespace baton::store
