-- Rows of `whyrdp scan`, one table for all four kinds. Columns that a kind does not have are null.
-- Lists and objects are kept as JSON text; use the JSON type of your database where it has one.
-- Rows are a set: the same line twice means the same as once.
CREATE TABLE whyrdp_rows (
  schema_version    INTEGER NOT NULL,
  signatures_sha256 VARCHAR(64) NOT NULL,
  "row"             VARCHAR(16) NOT NULL CHECK ("row" IN ('evidence', 'coverage', 'problem', 'input')),
  -- evidence
  ref               VARCHAR(32),
  event_id          BIGINT,
  version           INTEGER,
  level             INTEGER,
  record_id         BIGINT,
  "time"            VARCHAR(28),
  provider          TEXT,
  source_name       TEXT,
  activity_id       VARCHAR(36),
  process_id        BIGINT,
  user_id           TEXT,
  fields            TEXT,
  cut               BOOLEAN,
  signatures        TEXT,
  source            TEXT,
  -- evidence and coverage
  computer          TEXT,
  channel           TEXT,
  -- coverage
  runs              TEXT,
  unnumbered        TEXT,
  forwarded         BOOLEAN,
  torn              BIGINT,
  -- problem and input
  path              TEXT,
  -- problem
  "offset"          BIGINT,
  what              TEXT,
  lost              BOOLEAN,
  -- input
  kind              TEXT,
  bytes             BIGINT,
  sha256            VARCHAR(64),
  records           BIGINT,
  record_kinds      TEXT,
  providers         TEXT,
  "first"           VARCHAR(28),
  "last"            VARCHAR(28),
  lost_events       BIGINT,
  lost_buffers      BIGINT,
  machine           TEXT,
  channels          TEXT
);
CREATE INDEX whyrdp_rows_ref ON whyrdp_rows (ref);
CREATE INDEX whyrdp_rows_log ON whyrdp_rows (computer, channel);
