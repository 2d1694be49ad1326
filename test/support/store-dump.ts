import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** What the very act of asking changes. */
const MOVING_TABLES = ['custody_line', 'custody_index', 'media_cursor'];
const MOVING_COLUMNS: Record<string, string> = { person_session: 'seen_ms', access_token: 'used_ms', session: 'seen_ms' };
/** Where people keep what is their own to change. */
const OWN = ['person', 'person_session', 'access_token', 'passkey'];

/** Every row of every table, and every file of the recordings; not what `personIds` have of their own. */
export function dumpHub(dataDir: string, personIds: string[]): Record<string, string[]> {
  const store = new DatabaseSync(join(dataDir, 'fieldhub.sqlite'), { readOnly: true });
  try {
    const tables = store.prepare("select name from sqlite_master where type = 'table' order by name").all() as { name: string }[];
    const dump: Record<string, string[]> = {};
    for (const { name } of tables.filter((table) => !MOVING_TABLES.includes(table.name)))
      dump[name] = rowsOf(store, name)
        .filter((row) => !(OWN.includes(name) && personIds.includes(String(row['person_id']))))
        .map((row) => JSON.stringify({ ...row, [MOVING_COLUMNS[name] ?? '']: 0 }, (_, value: unknown) => plain(value)))
        .toSorted();
    return { ...dump, recordings: filesIn(join(dataDir, 'recordings')) };
  } finally {
    store.close();
  }
}

/** What two dumps differ in, a row a line. */
export function changesBetween(before: Record<string, string[]>, after: Record<string, string[]>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => {
    const [was, is] = [new Set(before[name]), new Set(after[name])];
    const gone = [...was].filter((row) => !is.has(row)).map((row) => `- ${name} ${row}`);
    return [...gone, ...[...is].filter((row) => !was.has(row)).map((row) => `+ ${name} ${row}`)];
  });
}

/** The tables of the full text hold whole numbers beyond JavaScript's, and bytes. */
function rowsOf(store: DatabaseSync, table: string): Record<string, unknown>[] {
  const statement = store.prepare(`select * from "${table}"`);
  statement.setReadBigInts(true);
  return statement.all();
}

const plain = (value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;

function filesIn(dir: string): string[] {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  return paths.map((path) => `${path} ${statSync(path).size} ${statSync(path).mtimeMs}`).toSorted();
}
