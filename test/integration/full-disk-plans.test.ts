import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OperationRecorder } from '../../media/recorder/operation-recorder.ts';
import { readOperation } from '../../media/recordings/read.ts';
import { openRecorder } from '../support/direct-recorder.ts';
import { SmallDisk } from '../support/disk.ts';

let root = '';
let disk: SmallDisk;
let recorder: OperationRecorder;
/** Resolves when a line waits for the disk. */
let waits: Promise<string>;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-plans-'));
  disk = SmallDisk.mount(join(root, 'recordings'), 2);
  const { promise, resolve } = Promise.withResolvers<string>();
  waits = promise;
  recorder = await openRecorder(root, 4000, undefined, undefined, resolve);
  for (const angleId of ['an-1', 'an-2']) await recorder.addAngle(angleId, angleId);
});
afterAll(async () => {
  await recorder.stop();
  disk.unmount();
  rmSync(root, { recursive: true, force: true });
});

it('an angle of a plan is as it was until the disk takes what becomes of it, and nothing is recorded of one on its way out', async () => {
  disk.flood();
  let name = 'an-1';
  let renamed = Promise.resolve();
  // the page that the journal ends in has room for some lines more
  for (let i = 0; ; i += 1) {
    renamed = recorder.plans.rename('an-1', `第 ${i} 个名称`);
    if ((await Promise.race([renamed.then(() => null), waits])) !== null) break;
    name = `第 ${i} 个名称`;
  }
  const removed = recorder.plans.remove('an-2');
  expect(recorder.angles().map((angle) => angle.name)).toEqual([name, 'an-2']);
  expect(() => recorder.startTake('an-2', 'camera')).toThrow(/no angle an-2/);
  await expect(recorder.plans.rename('an-2', '别的')).rejects.toMatchObject({ code: 'not_found' });
  disk.clear();
  await Promise.all([renamed, removed]);
  const after = recorder.angles().map((angle) => angle.name);
  expect(after).toHaveLength(1);
  expect(after).not.toContain(name);
  expect((await readOperation(join(root, 'recordings', 'op-1'))).angles.map((angle) => angle.name)).toEqual(after);
});
