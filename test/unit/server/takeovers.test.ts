import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ANSWER_MS, type Asking, Takeovers } from '../../../server/live/takeovers.ts';

const OPERATION = '20260101-aaaaaaaa';
const asking = (sessionHash: string, angleId = 'an-north'): Asking => ({
  operationId: OPERATION,
  angleId,
  sessionHash,
  device: `phone ${sessionHash}`,
  from: 'iPhone · Safari',
});
let nowMs = 1.8e12;
let decided: [string, string][];
let changed: number;
let takeovers: Takeovers;
beforeEach(() => {
  vi.useFakeTimers();
  decided = [];
  changed = 0;
  takeovers = new Takeovers({
    nowMs: () => nowMs,
    changed: () => (changed += 1),
    decided: ({ sessionHash }, _, decision) => decided.push([sessionHash, decision]),
  });
});
afterEach(() => {
  takeovers.close();
  vi.useRealTimers();
});

describe('a wish for an angle', () => {
  it('is told once, however often it is asked, and each device has its own', () => {
    const first = takeovers.ask(asking('a'));
    expect(takeovers.ask(asking('a'))).toEqual(first);
    const other = takeovers.ask(asking('b'));
    expect(other.requestId).not.toBe(first.requestId);
    expect(takeovers.of(OPERATION)).toEqual([first, other]);
    expect(takeovers.of('20260101-bbbbbbbb')).toEqual([]);
    expect([first.device, first.from, first.untilMs - first.askedMs]).toEqual(['phone a', 'iPhone · Safari', ANSWER_MS]);
    expect(changed).toBe(2);
  });

  it('agreed to lets that device have that angle, once and soon', () => {
    const { requestId } = takeovers.ask(asking('a'));
    expect(takeovers.redeem('a', 'an-north')).toBe(false);
    takeovers.answer(OPERATION, requestId, true);
    expect(decided).toEqual([['a', 'agreed']]);
    expect(takeovers.of(OPERATION)).toEqual([]);
    expect(takeovers.redeem('b', 'an-north')).toBe(false);
    expect(takeovers.redeem('a', 'an-south')).toBe(false);
    expect(takeovers.keptFromOthers('b', 'an-north')).toBe(false);
    expect(takeovers.redeem('a', 'an-north')).toBe(true);
    expect(['a', 'b'].map((each) => takeovers.keptFromOthers(each, 'an-north'))).toEqual([false, true]);
    expect(takeovers.keptFromOthers('b', 'an-south')).toBe(false);
    expect(takeovers.redeem('a', 'an-north')).toBe(false);
    takeovers.answer(OPERATION, takeovers.ask(asking('a')).requestId, true);
    nowMs += 60_000;
    expect(takeovers.keptFromOthers('b', 'an-north')).toBe(false);
    expect(takeovers.redeem('a', 'an-north')).toBe(false);
  });

  it('refused, unanswered or withdrawn gives nothing, and is over', () => {
    const refused = takeovers.ask(asking('a'));
    takeovers.answer(OPERATION, refused.requestId, false);
    takeovers.ask(asking('b'));
    vi.advanceTimersByTime(ANSWER_MS);
    takeovers.ask(asking('c'));
    takeovers.withdraw('c');
    expect(decided).toEqual([
      ['a', 'refused'],
      ['b', 'unanswered'],
      ['c', 'withdrawn'],
    ]);
    for (const each of ['a', 'b', 'c']) expect(takeovers.redeem(each, 'an-north')).toBe(false);
    expect(() => takeovers.answer(OPERATION, refused.requestId, true)).toThrow('nobody asks');
  });

  it('is answered only by its own operation', () => {
    const { requestId } = takeovers.ask(asking('a'));
    expect(() => takeovers.answer('20260101-bbbbbbbb', requestId, true)).toThrow('nobody asks');
    expect(takeovers.of(OPERATION)).toHaveLength(1);
  });
});
