import { describe, expect, it } from 'vitest';
import { MarkText } from '../../../media/protocol/marks.ts';
import { OPERATION_TYPES } from '../../../server/protocol/cases.ts';
import { ShotListChange } from '../../../server/protocol/shots.ts';
import { DEFAULT_LISTS } from '../../../server/shots/default-lists.ts';
import { mergeShots } from '../../../server/shots/merge.ts';

const items = (...words: string[]) => words.map((zh) => ({ zh, en: zh }));
const present = (...words: string[]) =>
  words.map((word) => ({ shotId: `sh-${word.replace('*', '')}`, zh: word.replace('*', ''), ticked: word.endsWith('*') }));

describe('the shots of an operation when another list applies', () => {
  it('are the whole list where there were none', () => {
    expect(mergeShots([], items('a', 'b'))).toEqual({
      keep: [],
      add: [
        { item: { zh: 'a', en: 'a' }, position: 0 },
        { item: { zh: 'b', en: 'b' }, position: 1 },
      ],
      drop: [],
    });
  });

  it('keep what is in both lists and what is ticked, which comes last, and lose the rest', () => {
    const { keep, add, drop } = mergeShots(present('a', 'b*', 'c*', 'd'), items('x', 'c', 'a'));
    expect(add).toEqual([{ item: { zh: 'x', en: 'x' }, position: 0 }]);
    expect(keep).toEqual([
      { shotId: 'sh-c', position: 1, ticked: true },
      { shotId: 'sh-a', position: 2, ticked: false },
      { shotId: 'sh-b', position: 3, ticked: true },
    ]);
    expect(drop).toEqual(['sh-d']);
  });

  it('are only the ticked ones once there is no type', () => {
    expect(mergeShots(present('a', 'b*'), [])).toEqual({ keep: [{ shotId: 'sh-b', position: 0, ticked: true }], add: [], drop: ['sh-a'] });
  });
});

describe('the lists that come with the hub', () => {
  it.each(OPERATION_TYPES)('would be taken from an editor, and fit into marks: %s', (type) => {
    expect(ShotListChange.parse({ edition: 1, items: DEFAULT_LISTS[type] }).items).toEqual(DEFAULT_LISTS[type]);
    for (const { zh } of DEFAULT_LISTS[type]) expect(MarkText.parse(zh)).toBe(zh);
  });

  it('are refused with an item twice, which is named', () => {
    const { error } = ShotListChange.safeParse({ edition: 1, items: items('a', 'b', 'a') });
    expect(error?.issues[0]?.path).toEqual(['items', 2, 'zh']);
  });
});
