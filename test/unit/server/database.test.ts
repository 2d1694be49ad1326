import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { inTransaction, openStore } from '../../../server/store/database.ts';

it('a transaction that has read still writes, whoever else has come to the file meanwhile: that one waits', async () => {
  const root = mkdtempSync(join(tmpdir(), 'fieldhub-store-'));
  const path = join(root, 'fieldhub.sqlite');
  const store = openStore(path);
  const other = new DatabaseSync(path, { timeout: 0 });
  onTestFinished(async () => {
    other.close();
    await store.destroy();
    rmSync(root, { recursive: true, force: true });
  });
  const add = (squad_id: string) => `INSERT INTO squad VALUES ('${squad_id}', '${squad_id}', 0)`;
  await inTransaction(store, async (tx) => {
    expect(await tx.selectFrom('squad').selectAll().execute()).toEqual([]);
    expect(() => other.exec(add('sq-2'))).toThrow('locked');
    await tx.insertInto('squad').values({ squad_id: 'sq-1', name: 'sq-1', created_ms: 0 }).execute();
  });
  other.exec(add('sq-2'));
  expect((await store.selectFrom('squad').select('squad_id').execute()).map((row) => row.squad_id)).toEqual(['sq-1', 'sq-2']);
});
