import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReorderBuffer } from '../../../media/rtp/reorder.ts';
import { packet } from '../../support/rtp.ts';

type Out = { sequence: number; lost: number; restart: boolean };

function buffer(): { reorder: ReorderBuffer; out: Out[] } {
  const out: Out[] = [];
  return { reorder: new ReorderBuffer(({ sequence }, lost, restart) => out.push({ sequence, lost, restart })), out };
}
const sequences = (out: Out[]): number[] => out.map((each) => each.sequence);

describe('ReorderBuffer', () => {
  it('hands out at once what is in order, across the wrap of the sequence number', () => {
    const { reorder, out } = buffer();
    for (let i = 65_533; i < 65_540; i += 1) reorder.push(packet(i), i);
    expect(sequences(out)).toEqual([65_533, 65_534, 65_535, 0, 1, 2, 3]);
    expect(out.every(({ lost, restart }) => lost === 0 && !restart)).toBe(true);
  });

  it('puts swapped packets in order, also over the wrap', () => {
    const { reorder, out } = buffer();
    for (const i of [65_534, 0, 65_535, 2, 1]) reorder.push(packet(i), 0);
    expect(sequences(out)).toEqual([65_534, 65_535, 0, 1, 2]);
  });

  it('waits for a gap and takes the retransmission that fills it', () => {
    const { reorder, out } = buffer();
    reorder.push(packet(1), 0);
    reorder.push(packet(3), 10);
    reorder.expire(200);
    expect(sequences(out)).toEqual([1]);
    reorder.push(packet(2), 250);
    expect(out).toEqual([1, 2, 3].map((sequence) => ({ sequence, lost: 0, restart: false })));
    expect(reorder.counters.lost).toBe(0);
  });

  it('gives a gap up in the end, and says how much is lost and where', () => {
    const { reorder, out } = buffer();
    reorder.push(packet(1), 0);
    reorder.push(packet(5), 10);
    reorder.expire(10 + reorder.waitMs);
    expect(out).toEqual([
      { sequence: 1, lost: 0, restart: false },
      { sequence: 5, lost: 3, restart: false },
    ]);
    expect(reorder.counters.lost).toBe(3);
  });

  it('counts what an outage swallowed, however much, and takes it for no new numbering', () => {
    const { reorder, out } = buffer();
    for (let i = 0; i < 10; i += 1) reorder.push(packet(i, { timestamp: i * 3000, arrivalMs: i * 33 }), i * 33);
    for (let i = 5010; i < 5020; i += 1) reorder.push(packet(i, { timestamp: i * 3000, arrivalMs: i * 33 }), i * 33);
    expect(out).toHaveLength(20);
    expect(out[10]).toEqual({ sequence: 5010, lost: 5000, restart: false });
    expect(reorder.counters).toMatchObject({ lost: 5000, restarts: 0 });
  });

  it('does not let the waits for many gaps add up: with every 20th packet lost nothing is held for longer than one wait', () => {
    let nowMs = 0;
    let longestMs = 0;
    const reorder = new ReorderBuffer(({ arrivalMs }) => (longestMs = Math.max(longestMs, nowMs - arrivalMs)));
    for (let i = 0; i < 7000; i += 1) {
      nowMs = i * 3;
      if (i % 20 !== 7) reorder.push(packet(i, { arrivalMs: nowMs }), nowMs);
    }
    expect(reorder.counters.lost).toBeGreaterThan(340);
    expect(longestMs).toBeLessThanOrEqual(310); // the first wait of all, and a packet
  });

  it('leaves time for a second request while retransmissions do come', () => {
    const reorder = new ReorderBuffer(() => undefined);
    for (let i = 0; i < 600; i += 1) {
      const nowMs = i * 3;
      reorder.push(packet(i * 2 + 1, { arrivalMs: nowMs }), nowMs);
      reorder.push(packet(i * 2, { arrivalMs: nowMs + 1 }), nowMs + 1);
    }
    expect(reorder.waitMs).toBeGreaterThanOrEqual(300);
  });

  it('waits longer once retransmissions have turned out to take long, at most a second', () => {
    const { reorder } = buffer();
    reorder.push(packet(1), 0);
    reorder.push(packet(3), 10);
    reorder.expire(400);
    reorder.push(packet(2), 500); // too late: given up before
    expect(reorder.counters.late).toBe(1);
    expect(reorder.waitMs).toBeGreaterThan(600);
    expect(reorder.waitMs).toBeLessThanOrEqual(1000);
  });

  it('counts duplicates and hands each out once', () => {
    const { reorder, out } = buffer();
    for (const i of [1, 1, 2, 4, 4, 3, 1]) reorder.push(packet(i), 0);
    expect(sequences(out)).toEqual([1, 2, 3, 4]);
    expect(reorder.counters.duplicates).toBe(3);
  });

  it('takes one far-off packet for noise and two in a row for a new numbering', () => {
    const { reorder, out } = buffer();
    reorder.push(packet(10), 0);
    reorder.push(packet(40_000), 1);
    reorder.push(packet(11), 2);
    expect(sequences(out)).toEqual([10, 11]);
    reorder.push(packet(50_000), 3);
    reorder.push(packet(50_001), 4);
    expect(out.slice(2)).toEqual([
      { sequence: 50_000, lost: 0, restart: true },
      { sequence: 50_001, lost: 0, restart: false },
    ]);
  });

  it('loses nothing and repeats nothing, whatever the order within its reach', () => {
    const shuffled = fc.integer({ min: 0, max: 65_535 }).chain((first) =>
      fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 300, maxLength: 300 }).map((delays) =>
        delays
          .map((delay, i) => ({ number: first + i, at: i + delay }))
          .toSorted((a, b) => a.at - b.at)
          .map(({ number }) => number),
      ),
    );
    fc.assert(
      fc.property(shuffled, (numbers) => {
        const { reorder, out } = buffer();
        // The first to arrive begins the count: what was sent before it cannot be waited for.
        numbers.forEach((number, i) => reorder.push(packet(number), i));
        reorder.flush();
        const first = numbers[0] as number;
        const wanted = numbers.filter((number) => number >= first).toSorted((a, b) => a - b);
        expect(sequences(out)).toEqual(wanted.map((number) => number & 0xffff));
        expect(out.reduce((sum, each) => sum + each.lost, 0)).toBe(0);
      }),
    );
  });

  it('accounts for every number: handed out or counted as lost', () => {
    const kept = fc.array(fc.boolean(), { minLength: 50, maxLength: 400 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 65_535 }), kept, (first, keep) => {
        const { reorder, out } = buffer();
        const sent = [true, ...keep, true];
        sent.forEach((arrives, i) => {
          if (arrives) reorder.push(packet(first + i), i * 3);
        });
        reorder.flush();
        expect(out.length + reorder.counters.lost).toBe(sent.length);
        expect(out.reduce((sum, each) => sum + each.lost, 0)).toBe(reorder.counters.lost);
      }),
    );
  });
});
