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
  // people, their roles and sessions, machines' tokens; console sessions by a shared secret are over
  [
    `DELETE FROM session WHERE kind = 'console'`,
    `CREATE TABLE squad (squad_id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL)`,
    `CREATE TABLE person (person_id TEXT PRIMARY KEY, login TEXT NOT NULL UNIQUE COLLATE NOCASE, name TEXT NOT NULL, badge TEXT, password_hash TEXT NOT NULL, must_change INTEGER NOT NULL, state TEXT NOT NULL, totp_secret TEXT, totp_step INTEGER, created_ms INTEGER NOT NULL)`,
    `CREATE TABLE person_role (person_id TEXT NOT NULL REFERENCES person, role TEXT NOT NULL, squad_id TEXT REFERENCES squad, UNIQUE (person_id, role, squad_id))`,
    `CREATE TABLE person_session (session_hash TEXT PRIMARY KEY, session_id TEXT NOT NULL UNIQUE, person_id TEXT NOT NULL REFERENCES person, created_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL, address TEXT NOT NULL, device TEXT NOT NULL)`,
    `CREATE INDEX person_session_person ON person_session (person_id)`,
    `CREATE TABLE passkey (credential_id TEXT PRIMARY KEY, person_id TEXT NOT NULL REFERENCES person, name TEXT NOT NULL, public_key TEXT NOT NULL, counter INTEGER NOT NULL, transports TEXT NOT NULL, created_ms INTEGER NOT NULL, used_ms INTEGER)`,
    `CREATE TABLE access_token (token_hash TEXT PRIMARY KEY, token_id TEXT NOT NULL UNIQUE, person_id TEXT NOT NULL REFERENCES person, name TEXT NOT NULL, permissions TEXT NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, used_ms INTEGER)`,
  ],
  // cases; what is known of an operation beside its recording; full text by bigrams, its rowid the operation's number
  [
    `CREATE TABLE enforcement_case (case_id TEXT PRIMARY KEY, number TEXT NOT NULL UNIQUE, cause TEXT NOT NULL, parties TEXT NOT NULL, stage TEXT NOT NULL, confidentiality TEXT NOT NULL, squad_id TEXT REFERENCES squad, created_ms INTEGER NOT NULL, created_by TEXT NOT NULL, version INTEGER NOT NULL)`,
    `CREATE TABLE operation_facts (number INTEGER PRIMARY KEY, operation_id TEXT NOT NULL UNIQUE REFERENCES operation, name TEXT NOT NULL, state TEXT NOT NULL, type TEXT, case_id TEXT REFERENCES enforcement_case, place TEXT, latitude REAL, longitude REAL, at_ms INTEGER NOT NULL, planned_ms INTEGER, confidentiality TEXT NOT NULL, squads TEXT NOT NULL, required_angles INTEGER NOT NULL, quick INTEGER NOT NULL, created_ms INTEGER NOT NULL, created_by TEXT, version INTEGER NOT NULL)`,
    `CREATE INDEX operation_facts_state ON operation_facts (state, number)`,
    `CREATE INDEX operation_facts_case ON operation_facts (case_id)`,
    // as BY_STATE of operation-list.ts has it: the board's own order
    `CREATE INDEX operation_facts_rank ON operation_facts ((CASE state WHEN 'live' THEN 3 WHEN 'planned' THEN 2 WHEN 'ended' THEN 1 ELSE 0 END), number)`,
    `CREATE INDEX operation_facts_name ON operation_facts (name, number)`,
    `CREATE INDEX operation_facts_at ON operation_facts (at_ms, number)`,
    `CREATE INDEX operation_facts_planned ON operation_facts (planned_ms, number)`,
    `CREATE TABLE operation_squad (operation_id TEXT NOT NULL REFERENCES operation, squad_id TEXT NOT NULL REFERENCES squad, PRIMARY KEY (operation_id, squad_id))`,
    `CREATE INDEX operation_squad_squad ON operation_squad (squad_id)`,
    `CREATE TABLE operation_officer (operation_id TEXT NOT NULL REFERENCES operation, position INTEGER NOT NULL, person_id TEXT REFERENCES person, name TEXT NOT NULL, PRIMARY KEY (operation_id, position))`,
    `CREATE TABLE operation_step (operation_id TEXT NOT NULL REFERENCES operation, state TEXT NOT NULL, at_ms INTEGER NOT NULL, person_id TEXT, person_name TEXT, PRIMARY KEY (operation_id, state))`,
    `CREATE TABLE planned_angle (operation_id TEXT NOT NULL, angle_id TEXT NOT NULL, officer TEXT, device_id TEXT, PRIMARY KEY (operation_id, angle_id))`,
    `CREATE VIRTUAL TABLE operation_text USING fts5 (words, content = '', contentless_delete = 1, tokenize = 'ascii', prefix = '4')`,
    `INSERT INTO operation_facts SELECT row_number() OVER (ORDER BY opened_ms), operation_id, name, status, NULL, NULL, NULL, NULL, NULL, opened_ms, NULL, 'internal', '', 1, 1, opened_ms, NULL, 1 FROM operation`,
    `INSERT INTO operation_step SELECT operation_id, 'live', opened_ms, NULL, NULL FROM operation`,
    `INSERT INTO operation_step SELECT operation_id, 'ended', ended_ms, NULL, NULL FROM operation WHERE status = 'ended' AND ended_ms IS NOT NULL`,
  ],
  // shot lists of each type in numbered editions, an operation's own copy; devices, their notes and assignments
  [
    `CREATE TABLE shot_list (type TEXT NOT NULL, edition INTEGER NOT NULL, items TEXT NOT NULL, at_ms INTEGER NOT NULL, person_id TEXT, person_name TEXT, PRIMARY KEY (type, edition))`,
    `CREATE TABLE operation_shot (operation_id TEXT NOT NULL REFERENCES operation, shot_id TEXT NOT NULL, position INTEGER NOT NULL, zh TEXT NOT NULL, en TEXT NOT NULL, edition INTEGER NOT NULL, mark_id TEXT, angle_id TEXT, at_ms INTEGER, person_name TEXT, unticks INTEGER NOT NULL, PRIMARY KEY (operation_id, shot_id))`,
    `CREATE TABLE device (device_id TEXT PRIMARY KEY, squad_id TEXT NOT NULL REFERENCES squad, type TEXT NOT NULL, serial TEXT NOT NULL UNIQUE, model TEXT NOT NULL, owner_id TEXT REFERENCES person, state TEXT NOT NULL, created_ms INTEGER NOT NULL, version INTEGER NOT NULL)`,
    `CREATE TABLE device_note (device_id TEXT NOT NULL REFERENCES device, note_id TEXT NOT NULL, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, person_name TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (device_id, note_id))`,
    `CREATE TABLE device_use (device_id TEXT NOT NULL REFERENCES device, use_id TEXT NOT NULL, person_id TEXT, operation_id TEXT, from_ms INTEGER NOT NULL, to_ms INTEGER, PRIMARY KEY (device_id, use_id))`,
    // nobody has a device that another one has
    `CREATE UNIQUE INDEX device_use_out ON device_use (device_id) WHERE to_ms IS NULL`,
    `CREATE INDEX device_squad ON device (squad_id, serial)`,
    `CREATE INDEX planned_angle_device ON planned_angle (device_id)`,
  ],
  // an index of the custody log, which is the file; made again from it when it is lost
  [
    `CREATE TABLE custody_line (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, what TEXT NOT NULL, who_id TEXT, who_name TEXT, address TEXT, operation_id TEXT, angle_id TEXT, subject TEXT, outcome TEXT NOT NULL, late INTEGER NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL)`,
    `CREATE INDEX custody_line_operation ON custody_line (operation_id, seq)`,
    `CREATE INDEX custody_line_at ON custody_line (at_ms)`,
    `CREATE TABLE custody_index (one INTEGER PRIMARY KEY, end_bytes INTEGER NOT NULL)`,
  ],
  // when a password was given that must be changed: it is good for some days only
  [`ALTER TABLE person ADD COLUMN given_ms INTEGER`, `UPDATE person SET given_ms = created_ms WHERE must_change = 1`],
  // takes that were moved; the journals have it all, and what is asked for and not yet read in them has no data
  [
    `CREATE TABLE take_move (move_id TEXT PRIMARY KEY, operation_id TEXT NOT NULL, to_operation_id TEXT NOT NULL, data TEXT)`,
    `CREATE INDEX take_move_from ON take_move (operation_id)`,
    `CREATE INDEX take_move_to ON take_move (to_operation_id)`,
    `CREATE INDEX take_move_open ON take_move (move_id) WHERE data IS NULL`,
  ],
  // the index of the custody log has what the log tells of itself, too: it is made again from the file
  [`DELETE FROM custody_index`],
  // what labels a sealed operation is its own copy; those sealed before get what stands there now. The full text has more words
  [
    `CREATE TABLE operation_seal (operation_id TEXT PRIMARY KEY REFERENCES operation, squads TEXT NOT NULL, of_case TEXT, from_ms INTEGER, to_ms INTEGER)`,
    `INSERT INTO operation_seal SELECT f.operation_id,
      (SELECT json_group_array(json_object('squadId', squad_id, 'name', name)) FROM (SELECT s.squad_id, s.name FROM operation_squad AS o JOIN squad AS s ON s.squad_id = o.squad_id WHERE o.operation_id = f.operation_id ORDER BY s.name)),
      (SELECT json_object('caseId', case_id, 'number', number, 'cause', cause, 'stage', stage, 'confidentiality', confidentiality, 'parties', json(parties)) FROM enforcement_case WHERE case_id = f.case_id),
      (SELECT min(start_ms) FROM take WHERE operation_id = f.operation_id AND angle_id <> 'talk'),
      (SELECT max(coalesce(end_ms, start_ms)) FROM take WHERE operation_id = f.operation_id AND angle_id <> 'talk')
      FROM operation_facts AS f WHERE f.state = 'sealed'`,
    `INSERT INTO operation_text (operation_text) VALUES ('delete-all')`,
  ],
  // checks before duty by the registered device they were made with; why an angle or source was added
  [
    `CREATE TABLE device_check (device_id TEXT NOT NULL REFERENCES device, operation_id TEXT NOT NULL, angle_id TEXT NOT NULL, at_ms INTEGER NOT NULL, data TEXT NOT NULL)`,
    `CREATE INDEX device_check_device ON device_check (device_id, at_ms)`,
    `CREATE TABLE addition (operation_id TEXT NOT NULL REFERENCES operation, angle_id TEXT NOT NULL, at_ms INTEGER NOT NULL, what TEXT NOT NULL, person_name TEXT NOT NULL, reason TEXT NOT NULL)`,
    `CREATE INDEX addition_operation ON addition (operation_id, at_ms)`,
  ],
  // whoever changes a person has seen the last change
  [`ALTER TABLE person ADD COLUMN version INTEGER NOT NULL DEFAULT 1`],
  // what was filmed, given to a custodian (R17): one at a time waits for an answer
  [
    `CREATE TABLE hand_over (hand_over_id TEXT PRIMARY KEY, operation_id TEXT NOT NULL REFERENCES operation, given_ms INTEGER NOT NULL, giver_id TEXT NOT NULL, giver_name TEXT NOT NULL, taker_id TEXT NOT NULL, taker_name TEXT NOT NULL, note TEXT, files INTEGER NOT NULL, size_bytes INTEGER NOT NULL, manifest_sha256 TEXT NOT NULL, state TEXT NOT NULL, answered_ms INTEGER, answer TEXT)`,
    `CREATE INDEX hand_over_operation ON hand_over (operation_id)`,
    `CREATE UNIQUE INDEX hand_over_waits ON hand_over (operation_id) WHERE state = 'given'`,
    `CREATE INDEX hand_over_taker ON hand_over (taker_id) WHERE state = 'given'`,
  ],
];
