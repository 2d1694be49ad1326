import { expect, it } from 'vitest';
import { applyEvent } from '../../../server/store/apply-event.ts';
import { openStore } from '../../../server/store/database.ts';
import { insertOperation, operationView } from '../../../server/store/operations.ts';

const LIVE = { mediaUp: true, queueUp: true, progress: null, alarms: [], takeovers: [] };
const opened = { id: 'an-1-1', angleId: 'an-1', startMs: 5000, endMs: null, cause: 'disk-full' } as const;

it('an interruption is as it was told last, its beginning too', async () => {
  const store = openStore(':memory:');
  await insertOperation(store, { operationId: 'op-1', name: 'op-1', openedMs: 1, segmentMs: 4000 });
  const about = { operationId: 'op-1', angleId: 'an-1' };
  await applyEvent(store, { type: 'interruption.opened', ...about, interruption: opened });
  for (const startMs of [5000, 4000]) {
    const closed = { ...opened, startMs, endMs: 9000 };
    await applyEvent(store, { type: 'interruption.closed', ...about, interruption: closed });
    expect((await operationView(store, 'op-1', LIVE)).interruptions).toEqual([closed]);
  }
  await store.destroy();
});
