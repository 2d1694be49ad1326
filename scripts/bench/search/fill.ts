import { DatabaseSync } from 'node:sqlite';
import { CASE_STAGE_WORDS, TYPE_WORDS } from '../../../server/protocol/cases.ts';
import { openStore } from '../../../server/store/database.ts';
import { indexMissing } from '../../../server/store/operation-index.ts';
import { madeUp, type MadeOperation, SQUADS, squadId } from './made-up.ts';

/** Fill a fresh store of the hub's, and beside it the rival's one table with the same columns of text. */
export async function fill(paths: { hub: string; rival: string }, operations: number): Promise<void> {
  await openStore(paths.hub).destroy();
  const hub = new DatabaseSync(paths.hub);
  const rival = new DatabaseSync(paths.rival);
  rival.exec('PRAGMA journal_mode = WAL');
  rival.exec(RIVAL);
  hub.exec('BEGIN');
  rival.exec('BEGIN');
  const intoHub = hubWriter(hub);
  const intoRival = rival.prepare('INSERT INTO flat VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  for (const [squad, name] of SQUADS.entries())
    hub.prepare('INSERT INTO squad (squad_id, name, created_ms) VALUES (?, ?, 0)').run(squadId(squad), name);
  for (const one of madeUp(operations)) {
    intoHub(one);
    const { number, state, type, confidentiality, atMs, plannedMs, name, place, caseOf } = one;
    const squads = ` ${one.squads.map(squadId).join(' ')} `;
    const text = [caseOf.number, caseOf.cause, caseOf.parties.join('、'), one.officers.join('、')];
    const more = [
      one.squads.map((squad) => SQUADS[squad] ?? '').join('、'),
      one.angles.join('、'),
      TYPE_WORDS[type].zh,
      TYPE_WORDS[type].en,
      String(number),
      one.operationId,
      CASE_STAGE_WORDS[caseOf.stage].zh,
      CASE_STAGE_WORDS[caseOf.stage].en,
    ];
    intoRival.run(number, state, type, confidentiality, squads, atMs, plannedMs, caseOf.caseId, name, place, ...text, ...more);
  }
  hub.exec('COMMIT');
  rival.exec('COMMIT');
  hub.close();
  rival.close();
  const store = openStore(paths.hub);
  await indexMissing(store);
  await store.destroy();
}

/** What the hub's search looks through, each a column. */
export const TEXT_COLUMNS = [
  'name',
  'place',
  'case_number',
  'cause',
  'parties',
  'officers',
  'squad_names',
  'angles',
  'type_zh',
  'type_en',
  'number_text',
  'operation_id',
  'stage_zh',
  'stage_en',
];
const RIVAL = `CREATE TABLE flat (number INTEGER PRIMARY KEY, state TEXT, type TEXT, confidentiality TEXT, squads TEXT, at_ms INTEGER, planned_ms INTEGER, case_id TEXT, ${TEXT_COLUMNS.map((name) => `${name} TEXT`).join(', ')});
CREATE INDEX flat_state ON flat (state, number);
CREATE INDEX flat_name ON flat (name, number);
CREATE INDEX flat_at ON flat (at_ms, number);
CREATE INDEX flat_planned ON flat (planned_ms, number);`;

function hubWriter(sqlite: DatabaseSync): (one: MadeOperation) => void {
  const operation = sqlite.prepare('INSERT INTO operation VALUES (?, ?, ?, ?, ?, 4000)');
  const ofCase = sqlite.prepare(`INSERT OR IGNORE INTO enforcement_case VALUES (?, ?, ?, ?, ?, 'open', NULL, 0, '', 1)`);
  const facts = sqlite.prepare(`INSERT INTO operation_facts (number, operation_id, name, state, type, case_id, place, at_ms, planned_ms,
    confidentiality, squads, required_angles, quick, created_ms, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 0, ?, 1)`);
  const squad = sqlite.prepare('INSERT INTO operation_squad VALUES (?, ?)');
  const officer = sqlite.prepare('INSERT INTO operation_officer VALUES (?, ?, NULL, ?)');
  const angle = sqlite.prepare('INSERT INTO angle VALUES (?, ?, ?, ?, NULL)');
  const step = sqlite.prepare('INSERT INTO operation_step VALUES (?, ?, ?, NULL, NULL)');
  const job = sqlite.prepare(`INSERT INTO archive_job (operation_id, state, path, requested_ms) VALUES (?, 'verified', '/archive', ?)`);
  return ({ number, operationId: id, name, place, type, state, confidentiality, squads, officers, angles, atMs, plannedMs, caseOf }) => {
    const over = state === 'ended' || state === 'sealed';
    operation.run(id, name, over ? 'ended' : 'live', atMs, over ? atMs + 3600_000 : null);
    ofCase.run(caseOf.caseId, caseOf.number, caseOf.cause, JSON.stringify(caseOf.parties), caseOf.stage);
    const marked = squads.map(squadId);
    facts.run(number, id, name, state, type, caseOf.caseId, place, atMs, plannedMs, confidentiality, ` ${marked.join(' ')} `, atMs);
    for (const each of marked) squad.run(id, each);
    for (const [position, each] of officers.entries()) officer.run(id, position, each);
    for (const [position, each] of angles.entries()) angle.run(id, `an-${position}`, each, position);
    if (state !== 'planned') step.run(id, 'live', atMs);
    if (over) step.run(id, 'ended', atMs + 3600_000);
    if (over) job.run(id, atMs + 3600_000);
  };
}
