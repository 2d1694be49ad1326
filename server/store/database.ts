import { chmodSync, existsSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { Kysely, SqliteDialect, type SqliteDatabase } from 'kysely';
import { HubError } from '../../media/errors.ts';
import { migrations } from './migrations.ts';
import type { Database } from './schema.ts';

export type Store = Kysely<Database>;

/** Open the SQLite file (or `:memory:`), bring its schema up to date. Throws `corrupt` for a file of a newer hub. */
export function openStore(path: string): Store {
  const sqlite = new DatabaseSync(path, { timeout: 5000 });
  if (path !== ':memory:') keepPrivate(path);
  // lists of a hundred thousand operations walk indexes that the usual 2 MB hold a tenth of
  sqlite.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536;');
  migrate(sqlite);
  return new Kysely<Database>({ dialect: new SqliteDialect({ database: adapter(sqlite) }) });
}

/** All of it or nothing; within a transaction, part of that. */
export function inTransaction<T>(store: Store, work: (tx: Store) => Promise<T>): Promise<T> {
  return store.isTransaction ? work(store) : store.transaction().execute(work);
}

/** It holds cameras' passwords: for the hub's user only. SQLite gives its side files the file's own rights (os_unix.c, findCreateFileMode), but those of a hub before this one are there already. */
function keepPrivate(path: string): void {
  for (const file of [path, `${path}-wal`, `${path}-shm`]) if (existsSync(file)) chmodSync(file, 0o600);
}

/** Full, locked, read-only, failing disk (SQLite's primary result codes): it may well work again. Anything else is the statement's fault. */
const MAY_RECOVER = new Set([5, 6, 8, 10, 13, 14]);
export function storeMayRecover(error: unknown): boolean {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === 'number' && MAY_RECOVER.has(errcode & 0xff);
}

function migrate(sqlite: DatabaseSync): void {
  const { user_version: version } = sqlite.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > migrations.length)
    throw new HubError('corrupt', `the database has schema ${version}, this hub knows ${migrations.length}: it belongs to a newer hub`);
  migrations.slice(version).forEach((statements, i) => {
    sqlite.exec('BEGIN IMMEDIATE');
    try {
      for (const statement of statements) sqlite.exec(statement);
      sqlite.exec(`PRAGMA user_version = ${version + i + 1}`);
      sqlite.exec('COMMIT');
    } catch (error) {
      sqlite.exec('ROLLBACK');
      throw error;
    }
  });
}

/** node:sqlite in the shape of better-sqlite3, which kysely's SQLite dialect expects. */
function adapter(sqlite: DatabaseSync): SqliteDatabase {
  return {
    close: () => sqlite.close(),
    prepare: (sql) => {
      // one that has only read when another connection writes could never write itself, however long it waits (SQLITE_BUSY_SNAPSHOT)
      const statement = sqlite.prepare(sql === 'begin' ? 'BEGIN IMMEDIATE' : sql);
      const values = (parameters: readonly unknown[]): SQLInputValue[] => parameters as SQLInputValue[];
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...values(parameters)),
        run: (parameters) => statement.run(...values(parameters)),
        iterate: (parameters) => statement.iterate(...values(parameters)) as IterableIterator<unknown>,
      };
    },
  };
}
