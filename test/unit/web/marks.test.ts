import { describe, expect, it } from 'vitest';
import type { Mark } from '../../../server/protocol/http.ts';
import { lateMs, mergeMarks, standingCalls } from '../../../web/composables/marks.ts';

const mark = (more: Partial<Mark>): Mark => ({
  markId: 'mark-0001',
  kind: 'moment',
  angleId: 'east',
  by: 'operator',
  atMs: 1000,
  receivedMs: 1100,
  text: null,
  acknowledged: null,
  version: 1,
  ...more,
});

describe('marks as a page knows them', () => {
  it('are the newest that was told, in whichever order', () => {
    const known = new Map<string, Mark>();
    mergeMarks(known, [mark({ version: 2, text: 'newer' })]);
    mergeMarks(known, [mark({})]); // a view that was read before, told after
    expect(known.get('mark-0001')?.text).toBe('newer');
    mergeMarks(known, [mark({ version: 3, text: 'newest' })]);
    expect(known.get('mark-0001')?.text).toBe('newest');
    mergeMarks(known, []); // a view from before the mark takes nothing away
    expect(known.size).toBe(1);
  });

  it('stand as calls until somebody has answered, the oldest first', () => {
    const calls = [
      mark({ markId: 'call-0002', kind: 'blocked', atMs: 3000 }),
      mark({ markId: 'call-0001', kind: 'blocked', atMs: 2000 }),
      mark({ markId: 'call-0003', kind: 'blocked', acknowledged: { atMs: 4000, text: 'coming' } }),
      mark({}),
    ];
    expect(standingCalls(calls).map(({ markId }) => markId)).toEqual(['call-0001', 'call-0002']);
  });

  it('are late when they took long to arrive', () => {
    expect(lateMs({ atMs: 1000, receivedMs: 2000 })).toBeNull();
    expect(lateMs({ atMs: 1000, receivedMs: 41_000 })).toBe(40_000);
  });
});
