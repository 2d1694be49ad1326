import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HubError } from '../../../media/errors.ts';
import type { CustodyEntry, Who } from '../../../server/custody/lines.ts';
import { LiveViews } from '../../../server/custody/live-views.ts';
import { RecordingViews } from '../../../server/custody/recording-views.ts';
import { changedSettings } from '../../../server/custody/settings-line.ts';

const who: Who = { kind: 'person', id: 'pe-1', name: '复核', address: '10.0.0.7' };
const looking = { what: 'view.recording', who, operationId: 'op-1', angleId: 'an-1' } as const;
let lines: CustodyEntry[] = [];
let refuse = false;
const log = {
  record: async (entry: CustodyEntry) => {
    if (refuse) throw new HubError('unavailable', 'full', { field: 'custodyLog' });
    lines.push(entry);
    return { seq: lines.length, hash: '' };
  },
  note: (entry: CustodyEntry) => void lines.push(entry),
};
let nowMs = 0;
beforeEach(() => {
  [lines, refuse, nowMs] = [[], false, 1_000_000];
  vi.useFakeTimers();
});
afterEach(() => void vi.useRealTimers());
const pass = (ms: number): void => {
  nowMs += ms;
  vi.advanceTimersByTime(ms);
};

describe('a look at a recording', () => {
  it('is one, however many requests it has: its beginning before the first, its stretches when it is over', async () => {
    const views = new RecordingViews(log, () => nowMs);
    await Promise.all([views.see(looking, null), views.see(looking, null)]);
    expect(lines).toEqual([{ ...looking, detail: { begins: true } }]);
    for (const cell of [10, 11, 12, 40]) await views.see(looking, { fromMs: cell * 4000, toMs: (cell + 1) * 4000 });
    pass(59_000);
    expect(lines).toHaveLength(1);
    await views.see(looking, { fromMs: 52_000, toMs: 56_000 }); // still looking
    pass(66_000);
    const seen = [
      { fromMs: 40_000, toMs: 56_000 },
      { fromMs: 160_000, toMs: 164_000 },
    ];
    expect(lines.slice(1)).toEqual([{ ...looking, detail: { begins: false, sinceMs: 1_000_000, untilMs: 1_059_000, seen } }]);
    await views.see(looking, null); // and another one later
    expect(lines).toHaveLength(3);
    views.close();
    expect(lines).toHaveLength(4);
  });

  it('is another one from another place, of another angle, or live', async () => {
    const views = new RecordingViews(log, () => nowMs);
    await views.see(looking, null);
    await views.see({ ...looking, who: { ...who, address: '10.0.0.8' } }, null);
    await views.see({ ...looking, angleId: 'an-2' }, null);
    await views.see({ ...looking, what: 'view.live', angleId: null }, null);
    expect(lines).toHaveLength(4);
    views.close();
  });

  it('does not happen while the log cannot be written, and does when it can', async () => {
    const views = new RecordingViews(log, () => nowMs);
    refuse = true;
    await expect(views.see(looking, null)).rejects.toMatchObject({ field: 'custodyLog' });
    refuse = false;
    await views.see(looking, null);
    expect(lines).toHaveLength(1);
    views.close();
  });

  it('of very many stretches keeps forty, and leaves nothing out that was seen', async () => {
    const views = new RecordingViews(log, () => nowMs);
    for (let cell = 0; cell < 200; cell += 2) await views.see(looking, { fromMs: cell * 4000, toMs: (cell + 1) * 4000 });
    views.close();
    const seen = lines.at(-1)?.detail?.['seen'] as { fromMs: number; toMs: number }[];
    expect(seen).toHaveLength(40);
    for (let cell = 0; cell < 200; cell += 2)
      expect(seen.some(({ fromMs, toMs }) => fromMs <= cell * 4000 && toMs >= (cell + 1) * 4000)).toBe(true);
  });
});

describe('an angle watched live', () => {
  it('has a line before it is sent, and one with its time when the console has gone', async () => {
    const views = new LiveViews(log, () => nowMs);
    await views.begin('peer-1', who, 'op-1', 'an-1');
    await views.begin('peer-1', who, 'op-1', 'an-1'); // its tile came into sight again
    pass(5000);
    await views.begin('peer-1', who, 'op-1', 'an-2');
    pass(5000);
    views.end('peer-1');
    views.end('peer-1');
    expect(lines.map(({ angleId, detail }) => [angleId, detail])).toEqual([
      ['an-1', { begins: true }],
      ['an-2', { begins: true }],
      ['an-1', { begins: false, sinceMs: 1_000_000, untilMs: 1_010_000 }],
      ['an-2', { begins: false, sinceMs: 1_005_000, untilMs: 1_010_000 }],
    ]);
    refuse = true;
    await expect(views.begin('peer-2', who, 'op-1', 'an-1')).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('settings', () => {
  it('are told where they have changed, with what they were; of secrets only that', () => {
    expect(changedSettings({}, {})).toBeNull();
    expect(changedSettings({ linkHours: 72 }, { linkHours: 24 })).toEqual({ linkHours: [72, 24] });
    expect(changedSettings({ linkHours: 72, tls: null }, { linkHours: 72 })).toBeNull();
    expect(changedSettings({ turnSecret: 'a' }, { turnSecret: 'b', redisUrl: 'c' })).toEqual({
      turnSecret: ['…', '…'],
      redisUrl: [null, '…'],
    });
  });
});
