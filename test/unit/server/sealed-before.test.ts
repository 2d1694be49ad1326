import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { openStore } from '../../../server/store/database.ts';
import { readFacts } from '../../../server/store/facts-view.ts';
import { migrations } from '../../../server/store/migrations.ts';
import { indexMissing } from '../../../server/store/operation-index.ts';
import { withoutText } from '../../../server/store/operation-text.ts';

/** The schema before sealed operations had a copy of what labels them. */
const BEFORE = migrations.findIndex((statements) => statements.some((statement) => statement.includes('CREATE TABLE operation_seal')));

it('an operation that was sealed before sealed ones kept their labels keeps them from now on', async () => {
  const root = mkdtempSync(join(tmpdir(), 'fieldhub-sealed-'));
  const path = join(root, 'fieldhub.sqlite');
  const old = new DatabaseSync(path);
  for (const statement of migrations.slice(0, BEFORE).flat()) old.exec(statement);
  old.exec(`PRAGMA user_version = ${BEFORE};
    INSERT INTO squad VALUES ('sq-1', '二中队', 0), ('sq-2', '一中队', 0);
    INSERT INTO enforcement_case VALUES ('cs-1', '〔2026〕7号', '违建', '["张三","李四"]', 'service', 'internal', NULL, 0, '', 1);
    INSERT INTO operation (operation_id, name, status, opened_ms, segment_ms) VALUES ('op-1', '拆除', 'ended', 0, 4000), ('op-2', '检查', 'ended', 0, 4000);
    INSERT INTO operation_facts (operation_id, name, state, case_id, at_ms, confidentiality, squads, required_angles, quick, created_ms, version)
      VALUES ('op-1', '拆除', 'sealed', 'cs-1', 0, 'internal', ' sq-1 sq-2 ', 1, 1, 0, 1), ('op-2', '检查', 'ended', 'cs-1', 0, 'internal', '', 1, 1, 0, 1);
    INSERT INTO operation_squad VALUES ('op-1', 'sq-1'), ('op-1', 'sq-2');
    INSERT INTO take VALUES ('op-1', 'an-1', '0001', 10, 20, NULL, 1, 1), ('op-1', 'talk', '0001', 1, 30, NULL, 1, 0);`);
  old.close();
  const store = openStore(path);
  expect((await withoutText(store)).toSorted()).toEqual(['op-1', 'op-2']); // it is found by more words now
  await indexMissing(store);
  const before = await readFacts(store, 'op-1');
  await store.updateTable('enforcement_case').set({ number: '另号', cause: '另因', parties: '[]' }).execute();
  await store.updateTable('squad').set({ name: '另队' }).where('squad_id', '=', 'sq-1').execute();
  expect(await readFacts(store, 'op-1')).toEqual(before);
  expect(before).toMatchObject({
    squads: [
      { squadId: 'sq-2', name: '一中队' },
      { squadId: 'sq-1', name: '二中队' },
    ],
    case: {
      caseId: 'cs-1',
      number: '〔2026〕7号',
      cause: '违建',
      parties: ['张三', '李四'],
      stage: 'service',
      confidentiality: 'internal',
    },
  });
  expect(before.labels.find(({ label }) => label === 'time')?.value).toBe('1970-01-01T00:00:00.010Z/1970-01-01T00:00:00.020Z');
  expect((await readFacts(store, 'op-2')).case?.number).toBe('另号');
  await store.destroy();
  rmSync(root, { recursive: true, force: true });
});
