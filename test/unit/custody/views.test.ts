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
const requireWritable = (): void => {
  if (refuse) throw new HubError('unavailable', 'full', { field: 'custodyLog' });
};
const log = {
  requireWritable,
  record: async (entry: CustodyEntry) => {
    requireWritable();
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
    refuse = true; // nor does it go on, once begun
    await expect(views.see(looking, { fromMs: 0, toMs: 4000 })).rejects.toMatchObject({ field: 'custodyLog' });
    refuse = false;
    await views.see(looking, { fromMs: 4000, toMs: 8000 });
    views.close();
    expect(lines.slice(1)).toMatchObject([{ detail: { begins: false, seen: [{ fromMs: 4000, toMs: 8000 }] } }]);
  });

  it('names the pictures that were seen, and after a hundred is another one', async () => {
    const views = new RecordingViews(log, () => nowMs);
    for (let i = 0; i < 130; i += 1) await views.see(looking, { picture: `still-${i % 125}` });
    views.close();
    const ends = lines.flatMap(({ detail }) => (detail?.['begins'] === false ? [detail['pictures'] as string[]] : []));
    expect(ends.map((pictures) => pictures.length)).toEqual([100, 30]);
    expect(new Set(ends.flat()).size).toBe(125);
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
  const page = { peerId: 'peer-0001', who, operationId: 'op-1' };
  const sends = (...consumers: string[]) => [async () => consumers, (sent: string[]) => sent] as const;
  const told = () =>
    lines.map(({ operationId, angleId, detail }) => `${operationId} ${angleId} ${detail?.['begins'] === true ? 'begins' : 'ends'}`);

  it('has a line before it is sent, and one with its time when it is sent no more: by itself, or with its page', async () => {
    const views = new LiveViews(log, () => nowMs);
    let before = -1;
    await views.watch(page, 'an-1', async () => void (before = lines.length), () => ['video-1', 'audio-1']); // prettier-ignore
    expect(before).toBe(1);
    await views.watch(page, 'an-1', ...sends('video-1b')); // its tile came into sight again
    pass(5000);
    await views.watch(page, 'an-2', ...sends('video-2'));
    views.heard({ type: 'consumer.closed', peerId: 'peer-0001', consumerId: 'audio-1' });
    views.consumerClosed('peer-0001', 'video-1');
    expect(lines).toHaveLength(2);
    views.consumerClosed('peer-0001', 'video-1b');
    pass(5000);
    views.end(page.peerId);
    views.end(page.peerId);
    expect(lines.map(({ angleId, detail }) => [angleId, detail])).toEqual([
      ['an-1', { begins: true }],
      ['an-2', { begins: true }],
      ['an-1', { begins: false, sinceMs: 1_000_000, untilMs: 1_005_000 }],
      ['an-2', { begins: false, sinceMs: 1_005_000, untilMs: 1_010_000 }],
    ]);
  });

  it('is one of its own for another page', async () => {
    const views = new LiveViews(log, () => nowMs);
    const other = { ...page, peerId: 'peer-0002', who: { ...who, id: 'pe-2' } };
    await views.watch(page, 'an-1', ...sends('video-1'));
    await views.watch(other, 'an-1', ...sends('video-2'));
    expect(told()).toEqual(['op-1 an-1 begins', 'op-1 an-1 begins']);
    views.end(page.peerId);
    expect(lines.slice(2).map(({ who: { id } }) => id)).toEqual(['pe-1']);
    views.heard({ type: 'peer.closed', peerId: 'peer-0002', reason: 'revoked' });
    expect(lines.at(-1)).toMatchObject({ who: { id: 'pe-2' }, detail: { begins: false } });
    expect(lines).toHaveLength(4);
  });

  it('ends at once when it could not be sent, and with the hub', async () => {
    const views = new LiveViews(log, () => nowMs);
    const broken = (): Promise<string[]> => Promise.reject(new HubError('conflict', 'gone'));
    await expect(views.watch(page, 'an-1', broken)).rejects.toMatchObject({ code: 'conflict' });
    expect(told()).toEqual(['op-1 an-1 begins', 'op-1 an-1 ends']);
    await views.watch(page, 'an-2', ...sends('video-2'));
    await expect(views.watch(page, 'an-2', broken)).rejects.toMatchObject({ code: 'conflict' }); // what came before goes on
    expect(lines).toHaveLength(3);
    views.endAll();
    expect(told().at(-1)).toBe('op-1 an-2 ends');
  });

  it('asked for twice at once is one look, which one that fails does not end', async () => {
    const views = new LiveViews(log, () => nowMs);
    const broken = (): Promise<string[]> => Promise.reject(new HubError('conflict', 'gone'));
    const both = [views.watch(page, 'an-1', broken), views.watch(page, 'an-1', ...sends('video-1'))];
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(told()).toEqual(['op-1 an-1 begins']);
    views.consumerClosed(page.peerId, 'video-1');
    expect(told()).toEqual(['op-1 an-1 begins', 'op-1 an-1 ends']);
    refuse = true; // and neither is where there is no line
    for (const { status } of await Promise.allSettled([0, 1].map(() => views.watch(page, 'an-2', ...sends('video-2')))))
      expect(status).toBe('rejected');
    refuse = false;
    await views.watch(page, 'an-2', ...sends('video-2'));
    expect(told()).toHaveLength(3);
  });

  it('is not sent while the log cannot be written, nor sent again', async () => {
    const views = new LiveViews(log, () => nowMs);
    await views.watch(page, 'an-1', ...sends('video-1'));
    refuse = true;
    let sent = 0;
    const send = async (): Promise<void> => void (sent += 1);
    for (const angleId of ['an-1', 'an-2'])
      await expect(views.watch(page, angleId, send)).rejects.toMatchObject({ code: 'unavailable', field: 'custodyLog' });
    expect(sent).toBe(0);
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
