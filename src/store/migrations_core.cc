// SPDX-License-Identifier: MIT
// The journal and the deadlines. (Table meta is made before the first step, by the backend.)
#include "store/migrations.h"

namespace baton::store {

const Migration kMigrationCore{
    1, "journal and deadlines",
    // AUTOINCREMENT: a position is never given twice, even when the newest events were pruned.
    R"sql(
CREATE TABLE event (
  seq     INTEGER PRIMARY KEY AUTOINCREMENT,
  at      BIGINT NOT NULL,
  kind    TEXT NOT NULL,
  subject TEXT NOT NULL,
  data    TEXT NOT NULL
);
CREATE INDEX event_subject ON event (subject, seq);
CREATE TABLE deadline (
  kind    TEXT NOT NULL,
  subject TEXT NOT NULL,
  due     BIGINT NOT NULL,
  PRIMARY KEY (kind, subject)
) WITHOUT ROWID;
CREATE INDEX deadline_due ON deadline (due, kind, subject);
)sql",
    R"sql(
CREATE TABLE event (
  seq     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at      BIGINT NOT NULL,
  kind    TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  data    TEXT COLLATE "C" NOT NULL
);
CREATE INDEX event_subject ON event (subject, seq);
CREATE TABLE deadline (
  kind    TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  due     BIGINT NOT NULL,
  PRIMARY KEY (kind, subject)
);
CREATE INDEX deadline_due ON deadline (due, kind, subject);
)sql"};

}  // namespace baton::store
