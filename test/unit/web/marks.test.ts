import { describe, expect, it } from 'vitest';
import type { Mark, Message } from '../../../server/protocol/http.ts';
import { askedText } from '../../../web/composables/use-shots.ts';
import { lateMs, mergeMarks, messagesFor, standingCalls } from '../../../web/composables/marks.ts';

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

it('what is asked to be filmed is read in the language of whoever films, where it is of the list', () => {
  const shot = { shotId: 'sh-1', zh: '全景', en: 'Overall view', edition: 1, tick: null };
  expect(askedText('全景', [shot], ({ en }) => en)).toBe('Overall view');
  expect(askedText('再近一点', [shot], ({ en }) => en)).toBe('再近一点');
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

describe('messages as an operator sees them', () => {
  const message = (messageId: string, atMs: number, more: Partial<Message> = {}): Message => ({
    messageId,
    kind: 'text',
    angleId: null,
    text: messageId,
    atMs,
    seen: [],
    version: 1,
    ...more,
  });
  const seenBy = (ids: string[]) => (each: Message) => ids.includes(each.messageId);

  it('come one after the other, the oldest first, until each is seen', () => {
    const both = [message('second', 2), message('first', 1)];
    expect(messagesFor(both, seenBy([]), new Set())).toMatchObject({ fresh: { messageId: 'first' }, more: 1 });
    expect(messagesFor(both, seenBy(['first']), new Set())).toMatchObject({ fresh: { messageId: 'second' }, more: 0 });
    expect(messagesFor(both, seenBy(['first', 'second']), new Set())).toEqual({ fresh: null, more: 0, shot: null });
  });

  it('leave the last shot that was seen standing until it is filmed', () => {
    const shots = [message('shot-1', 1, { kind: 'shot' }), message('shot-2', 2, { kind: 'shot' }), message('text-1', 3)];
    expect(messagesFor(shots, seenBy([]), new Set()).shot).toBeNull();
    expect(messagesFor(shots, seenBy(['shot-1', 'shot-2']), new Set()).shot?.messageId).toBe('shot-2');
    expect(messagesFor(shots, seenBy(['shot-1', 'shot-2']), new Set(['shot-2'])).shot).toBeNull();
  });
});
