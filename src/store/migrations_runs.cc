// SPDX-License-Identifier: MIT
// Suites, runs, cases, attempts and what belongs to them.
//
// Enumerations are stored as the number of their enumerator (model/run.h, model/suite.h), so these
// may only grow at the end. Columns that never repeat in a filter are one JSON text (row_json.h).
#include "store/migrations.h"

namespace baton::store {
namespace {

// `counter` and `suite_tally` keep the few numbers that every start and end of a run needs, so that
// none of them is ever counted; both are rows of a few bytes.
// Indexes that most rows never enter are partial: starting a run touches four.
// run_text holds what a search finds of a finished run; FTS5 has the run's id as rowid.
const std::string kTables = R"sql(
CREATE TABLE counter (
  id      BIGINT PRIMARY KEY,
  run     BIGINT NOT NULL,
  queued  BIGINT NOT NULL,
  running BIGINT NOT NULL
);
INSERT INTO counter (id, run, queued, running) VALUES (1, 0, 0, 0);
CREATE TABLE suite (
  id              INTEGER PRIMARY KEY,
  namespace       TEXT NOT NULL,
  name            TEXT NOT NULL,
  source          BIGINT NOT NULL,
  state           BIGINT NOT NULL,
  environment     TEXT NOT NULL,
  revision        BIGINT NOT NULL,
  definition      TEXT NOT NULL,
  discovery_error TEXT NOT NULL,
  cases           TEXT NOT NULL
);
CREATE UNIQUE INDEX suite_name ON suite (namespace, name);
CREATE TABLE suite_tally (
  suite_id    BIGINT PRIMARY KEY,
  number      BIGINT NOT NULL,
  queued      BIGINT NOT NULL,
  running     BIGINT NOT NULL,
  running_max BIGINT NOT NULL,
  last_run    BIGINT
);
CREATE TABLE test (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  suite_id BIGINT NOT NULL,
  name     TEXT NOT NULL
);
CREATE UNIQUE INDEX test_name ON test (suite_id, name);
CREATE TABLE run (
  id               INTEGER PRIMARY KEY,
  suite_id         BIGINT NOT NULL,
  number           BIGINT NOT NULL,
  state            BIGINT NOT NULL,
  verdict          BIGINT NOT NULL,
  total            BIGINT NOT NULL,
  passed           BIGINT NOT NULL,
  failed           BIGINT NOT NULL,
  errored          BIGINT NOT NULL,
  skipped          BIGINT NOT NULL,
  flaky            BIGINT NOT NULL,
  quarantined      BIGINT NOT NULL,
  pending          BIGINT NOT NULL,
  queued_at        BIGINT NOT NULL,
  started_at       BIGINT,
  finished_at      BIGINT,
  epoch            BIGINT NOT NULL,
  resumes          BIGINT NOT NULL,
  acked            BIGINT NOT NULL,
  cancel_requested BIGINT NOT NULL,
  reference        TEXT NOT NULL,
  triggered_by     TEXT NOT NULL,
  environment      TEXT NOT NULL,
  schedule         TEXT NOT NULL,
  request          TEXT NOT NULL,
  lease            TEXT NOT NULL,
  message          TEXT NOT NULL,
  cancel_reason    TEXT NOT NULL,
  setup_log        TEXT NOT NULL
);
CREATE INDEX run_suite ON run (suite_id, id);
CREATE UNIQUE INDEX run_number ON run (suite_id, number);
CREATE INDEX run_live ON run (state, id) WHERE state < 3;
CREATE INDEX run_queue ON run (suite_id, id) WHERE state = 0;
CREATE INDEX run_verdict ON run (verdict, id) WHERE verdict > 0;
CREATE INDEX run_suite_verdict ON run (suite_id, verdict, id);
CREATE INDEX run_reference ON run (reference, id) WHERE reference <> '';
CREATE INDEX run_environment ON run (environment, id) WHERE environment <> '';
CREATE INDEX run_suite_environment ON run (suite_id, environment, id) WHERE environment <> '';
CREATE INDEX run_schedule ON run (schedule, id) WHERE schedule <> '';
CREATE INDEX run_age ON run (suite_id, finished_at) WHERE state = 3;
CREATE TABLE run_label (
  name   TEXT NOT NULL,
  value  TEXT NOT NULL,
  run_id BIGINT NOT NULL,
  PRIMARY KEY (name, value, run_id)
) WITHOUT ROWID;
CREATE TABLE run_case (
  run_id      BIGINT NOT NULL,
  test_id     BIGINT NOT NULL,
  ord         BIGINT NOT NULL,
  verdict     BIGINT NOT NULL,
  soft        BIGINT NOT NULL,
  quarantined BIGINT NOT NULL,
  PRIMARY KEY (run_id, test_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX run_case_order ON run_case (run_id, ord);
CREATE TABLE attempt (
  run_id      BIGINT NOT NULL,
  test_id     BIGINT NOT NULL,
  number      BIGINT NOT NULL,
  outcome     BIGINT NOT NULL,
  soft        BIGINT NOT NULL,
  interrupted BIGINT NOT NULL,
  started_at  BIGINT NOT NULL,
  duration_ms BIGINT NOT NULL,
  log_bytes   BIGINT NOT NULL,
  message     TEXT NOT NULL,
  detail      TEXT NOT NULL,
  PRIMARY KEY (run_id, test_id, number)
) WITHOUT ROWID;
CREATE TABLE artifact (
  run_id  BIGINT NOT NULL,
  path    TEXT NOT NULL,
  test    TEXT NOT NULL,
  attempt BIGINT NOT NULL,
  size    BIGINT NOT NULL,
  type    TEXT NOT NULL,
  digest  TEXT NOT NULL,
  PRIMARY KEY (run_id, path, test, attempt)
) WITHOUT ROWID;
CREATE INDEX artifact_digest ON artifact (digest, run_id);
CREATE TABLE schedule (
  name      TEXT PRIMARY KEY,
  suite     TEXT NOT NULL,
  cron      TEXT NOT NULL,
  every_ms  BIGINT,
  time_zone TEXT NOT NULL,
  filter    TEXT NOT NULL,
  max_runs  BIGINT NOT NULL,
  until_ms  BIGINT,
  overlap   BIGINT NOT NULL,
  catch_up  BIGINT NOT NULL,
  source    BIGINT NOT NULL,
  paused    BIGINT NOT NULL,
  waiting   BIGINT NOT NULL,
  next_at   BIGINT,
  last_run  BIGINT,
  run_count BIGINT NOT NULL,
  revision  BIGINT NOT NULL
) WITHOUT ROWID;
CREATE TABLE idempotency (
  scope      TEXT NOT NULL,
  name       TEXT NOT NULL,
  body_hash  TEXT NOT NULL,
  status     BIGINT NOT NULL,
  location   TEXT NOT NULL,
  body       TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (scope, name)
) WITHOUT ROWID;
CREATE INDEX idempotency_expiry ON idempotency (expires_at);
CREATE TABLE token (
  id           TEXT PRIMARY KEY,
  name         TEXT NOT NULL,
  scope        BIGINT NOT NULL,
  hash         TEXT NOT NULL,
  run_id       BIGINT,
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT,
  last_used_at BIGINT
) WITHOUT ROWID;
CREATE UNIQUE INDEX token_hash ON token (hash);
CREATE INDEX token_run ON token (run_id) WHERE run_id IS NOT NULL;
CREATE TABLE audit (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  at         BIGINT NOT NULL,
  actor      TEXT NOT NULL,
  action     TEXT NOT NULL,
  subject    TEXT NOT NULL,
  detail     TEXT NOT NULL,
  request_id TEXT NOT NULL,
  address    TEXT NOT NULL
);
CREATE TABLE journal_reader (
  name    TEXT PRIMARY KEY,
  seq     BIGINT NOT NULL,
  seen_at BIGINT NOT NULL
) WITHOUT ROWID;
)sql";
const std::string kSqlite = kTables + R"sql(
CREATE VIRTUAL TABLE run_text USING fts5(words, tokenize = 'unicode61');
)sql";
const std::string kPostgres = to_postgres(kTables + R"sql(
CREATE TABLE run_text (
  run_id BIGINT PRIMARY KEY,
  words  TEXT NOT NULL
);
CREATE INDEX run_text_words ON run_text USING gin (to_tsvector('simple', words));
)sql");

}  // namespace

const Migration kMigrationRuns{2, "suites and runs", kSqlite, kPostgres};

}  // namespace baton::store
