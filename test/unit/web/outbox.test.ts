import { describe, expect, it } from 'vitest';
import { type Letter, Outbox } from '../../../web/composables/outbox.ts';

class Refusal extends Error {}

/** A phone's storage and a hub that is there or not. */
function phone(storage = new Map<string, string>()) {
  const arrived: Letter[] = [];
  const refused: string[] = [];
  const net = { up: true, refuses: new Set<string>() };
  let kept: Letter[] = [];
  const box = new Outbox({
    storage: {
      getItem: (key) => storage.get(key) ?? null,
      setItem: (key, value) => void storage.set(key, value),
      removeItem: (key) => void storage.delete(key),
    },
    key: 'box',
    send: async (letter) => {
      if (!net.up) throw new Error('away');
      if (net.refuses.has(letter.id)) throw new Refusal();
      arrived.push(letter);
    },
    isFinal: (error) => error instanceof Refusal,
    changed: (letters) => (kept = letters),
    refused: ({ id }) => refused.push(id),
  });
  return { storage, arrived, refused, net, box, kept: () => kept.map(({ id }) => id) };
}
const letter = (id: string, params: unknown = {}): Letter => ({ id, request: 'mark', params });
const arrivedIds = ({ arrived }: { arrived: Letter[] }): string[] => arrived.map(({ id }) => id);

describe('Outbox', () => {
  it('sends in order, and keeps nothing that has arrived', async () => {
    const one = phone();
    one.box.put(letter('a'));
    one.box.put(letter('b'));
    await expect.poll(() => arrivedIds(one)).toEqual(['a', 'b']);
    await expect.poll(() => one.kept()).toEqual([]);
    expect(one.storage.size).toBe(0);
  });

  it('keeps what did not arrive, over a reload too, and sends it when the network is back', async () => {
    const before = phone();
    before.net.up = false;
    before.box.put(letter('a', { atMs: 5 }));
    before.box.put(letter('b'));
    await expect.poll(() => before.kept()).toEqual(['a', 'b']);
    before.box.close();
    const after = phone(before.storage);
    expect(after.kept()).toEqual(['a', 'b']);
    after.box.flush();
    await expect.poll(() => arrivedIds(after)).toEqual(['a', 'b']);
    expect(after.arrived[0]?.params).toEqual({ atMs: 5 });
    expect(before.arrived).toEqual([]);
  });

  it('tries again by itself', async () => {
    const one = phone();
    one.net.up = false;
    one.box.put(letter('a'));
    await expect.poll(() => one.kept()).toEqual(['a']);
    one.net.up = true;
    await expect.poll(() => arrivedIds(one)).toEqual(['a']);
  });

  it('sends what is urgent before what waits', async () => {
    const one = phone();
    one.net.up = false;
    one.box.put(letter('a'));
    await expect.poll(() => one.kept()).toEqual(['a']);
    one.box.put(letter('help'), true);
    one.net.up = true;
    one.box.flush();
    await expect.poll(() => arrivedIds(one)).toEqual(['help', 'a']);
  });

  it('does not let one that is refused for good hold up the others', async () => {
    const one = phone();
    one.net.refuses.add('a');
    one.box.put(letter('a'));
    one.box.put(letter('b'));
    await expect.poll(() => arrivedIds(one)).toEqual(['b']);
    expect(one.refused).toEqual(['a']);
    expect(one.kept()).toEqual([]);
  });

  it('lets what waits be amended, and says when it is too late', async () => {
    const one = phone();
    one.net.up = false;
    one.box.put(letter('a', { text: null }));
    await expect.poll(() => one.kept()).toEqual(['a']);
    expect(one.box.amend('a', (before) => ({ ...before, params: { text: 'x' } }))).toBe(true);
    one.net.up = true;
    one.box.flush();
    await expect.poll(() => one.arrived[0]?.params).toEqual({ text: 'x' });
    expect(one.box.amend('a', (before) => before)).toBe(false);
  });

  it('begins anew where the storage holds something else', () => {
    expect(phone(new Map([['box', '{"no": "letters"']])).kept()).toEqual([]);
    expect(phone(new Map([['box', '[null, 3, {"id": 4}]']])).kept()).toEqual([]);
  });
});
