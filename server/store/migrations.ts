/** Numbered by their place; only ever added to. Each runs once, in a transaction of its own. */
export const migrations: string[][] = [
  [
    `CREATE TABLE operation (operation_id TEXT PRIMARY KEY, name TEXT NOT NULL, status TEXT NOT NULL, opened_ms INTEGER NOT NULL, ended_ms INTEGER, segment_ms INTEGER NOT NULL)`,
    `CREATE TABLE angle (operation_id TEXT NOT NULL REFERENCES operation, angle_id TEXT NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL, state TEXT, PRIMARY KEY (operation_id, angle_id))`,
    `CREATE TABLE take (operation_id TEXT NOT NULL, angle_id TEXT NOT NULL, take_id TEXT NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER, reason TEXT, segments INTEGER NOT NULL, frames INTEGER NOT NULL, PRIMARY KEY (operation_id, angle_id, take_id))`,
    `CREATE TABLE interruption (operation_id TEXT NOT NULL, interruption_id TEXT NOT NULL, angle_id TEXT NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER, cause TEXT NOT NULL, PRIMARY KEY (operation_id, interruption_id))`,
    `CREATE TABLE camera (operation_id TEXT NOT NULL, angle_id TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (operation_id, angle_id))`,
    `CREATE TABLE capture_link (token_hash TEXT PRIMARY KEY, operation_id TEXT NOT NULL, angle_id TEXT NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, revoked INTEGER NOT NULL)`,
    `CREATE TABLE session (session_hash TEXT PRIMARY KEY, kind TEXT NOT NULL, operation_id TEXT, angle_id TEXT, link_hash TEXT, created_ms INTEGER NOT NULL)`,
    `CREATE TABLE media_cursor (one INTEGER PRIMARY KEY, boot_id TEXT NOT NULL, seq INTEGER NOT NULL)`,
    `CREATE TABLE archive_job (operation_id TEXT PRIMARY KEY REFERENCES operation, state TEXT NOT NULL, path TEXT, size_bytes INTEGER, files INTEGER, verified_ms INTEGER, error TEXT, requested_ms INTEGER NOT NULL)`,
    `CREATE TABLE secret (name TEXT PRIMARY KEY, value TEXT NOT NULL)`,
  ],
  // links of a whole operation or of one device, by whom they were used; a session has an angle only once it has chosen one
  [
    `ALTER TABLE capture_link RENAME TO capture_link_before`,
    `CREATE TABLE capture_link (token_hash TEXT PRIMARY KEY, link_id TEXT NOT NULL UNIQUE, operation_id TEXT NOT NULL, angle_id TEXT, devices TEXT NOT NULL, label TEXT, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, revoked INTEGER NOT NULL, bound_session TEXT)`,
    `INSERT INTO capture_link SELECT token_hash, 'ln-' || substr(token_hash, 1, 16), operation_id, angle_id, 'several', NULL, created_ms, expires_ms, revoked, NULL FROM capture_link_before`,
    `DROP TABLE capture_link_before`,
    `CREATE INDEX capture_link_operation ON capture_link (operation_id)`,
    `ALTER TABLE session ADD COLUMN device TEXT`,
    `ALTER TABLE session ADD COLUMN address TEXT`,
    `ALTER TABLE session ADD COLUMN seen_ms INTEGER`,
    `ALTER TABLE session ADD COLUMN joined_ms INTEGER`,
    `CREATE INDEX session_link ON session (link_hash)`,
  ],
  [
    `CREATE TABLE mark (operation_id TEXT NOT NULL, mark_id TEXT NOT NULL, at_ms INTEGER NOT NULL, standing INTEGER NOT NULL, version INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (operation_id, mark_id))`,
  ],
  [
    `CREATE TABLE still (operation_id TEXT NOT NULL, still_id TEXT NOT NULL, at_ms INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (operation_id, still_id))`,
  ],
  [
    `CREATE TABLE message (operation_id TEXT NOT NULL, message_id TEXT NOT NULL, at_ms INTEGER NOT NULL, version INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (operation_id, message_id))`,
  ],
  // what a camera gateway needs to find its camera again: it may hold passwords, and is given to the media plane only
  [`CREATE TABLE gateway (operation_id TEXT NOT NULL, angle_id TEXT NOT NULL, spec TEXT NOT NULL, PRIMARY KEY (operation_id, angle_id))`],
  // one device of a link for several is shut out
  [`ALTER TABLE session ADD COLUMN revoked INTEGER NOT NULL DEFAULT 0`],
];
