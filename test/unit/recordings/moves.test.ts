import { describe, expect, it } from 'vitest';
import type { OperationLine } from '../../../media/recordings/lines.ts';
import { checkMoves, knownTakes, lastTakeNumber, movesOf } from '../../../media/recordings/moves.ts';

const hash = (digit: string): string => digit.repeat(64);
const end = { headSeq: 9, headHash: hash('b') };
const told = { moveId: 'mv-00000001', by: { personId: 'pe-1', name: '王队' }, reason: '扫错了二维码', atMs: 5 };
const added: OperationLine = { type: 'angle.added', angleId: 'an-1', name: '东侧', atMs: 1 };
const other: OperationLine = { type: 'angle.added', angleId: 'an-2', name: '西侧', atMs: 1 };
const started: OperationLine = {
  type: 'take.started',
  angleId: 'an-1',
  takeId: '0001',
  sourceKind: 'phone',
  atMs: 2,
  headHash: hash('a'),
};
const ended: OperationLine = { type: 'take.ended', angleId: 'an-1', takeId: '0001', atMs: 3, reason: 'no-media', ...end };
const over: OperationLine = { type: 'operation.ended', atMs: 4 };
const final: OperationLine = { type: 'signature', headSeq: 1, headHash: hash('c'), signature: '', final: true };
const out: OperationLine = {
  type: 'take.moved-out',
  ...told,
  ...end,
  angleId: 'an-1',
  takeId: '0001',
  toOperationId: 'op-2',
  toAngleId: 'an-2',
  toTakeId: '0001',
};
const from = {
  fromOperationId: 'op-0',
  fromAngleId: 'an-1',
  fromTakeId: '0001',
  sourceKind: 'phone',
  startMs: 2,
  firstHash: hash('a'),
} as const;
const into: OperationLine = { type: 'take.moved-in', ...told, ...end, ...from, angleId: 'an-2', takeId: '0003' };
const undone: OperationLine = { type: 'take.move-undone', moveId: told.moveId, atMs: 6 };

describe('the moves of a journal', () => {
  it.each<[string, OperationLine[]]>([
    ['away', [added, started, ended, out]],
    ['away after the end', [added, started, ended, over, final, out, final]],
    ['here, to an angle made for it after the end', [added, over, final, other, final, into, final]],
    ['within the operation', [added, other, started, ended, { ...out, toOperationId: 'op-1' }, { ...into, fromOperationId: 'op-1' }]],
    ['away and undone, and away again', [added, started, ended, out, undone, { ...out, moveId: 'mv-00000002' }]],
    ['here and on', [other, into, { ...out, moveId: 'mv-00000002', angleId: 'an-2', takeId: '0003' }]],
  ])('are right: %s', (_, lines) => expect(checkMoves(lines)).toEqual([]));

  it.each<[string, OperationLine[], RegExp]>([
    ['of a take that never was', [added, out], /there is no take an-1\/0001/],
    ['of a take that runs', [added, started, out], /has not ended/],
    ['of a take with another end', [added, started, { ...ended, headHash: hash('d') }, out], /ended with another line/],
    ['twice', [added, started, ended, out, { ...out, moveId: 'mv-00000002' }], /there is no take/],
    ['to an angle that is not there', [into], /was never added/],
    ['onto another take', [other, into, { ...into, moveId: 'mv-00000002' }], /already/],
    ['undone that was none', [added, undone], /no move/],
    ['signed anew, but not for good', [over, final, { ...final, final: false }], /signed as final/],
    ['or something else behind the end', [added, started, over, final, ended, final], /take.ended: comes after/],
  ])('are wrong: %s', (_, lines, why) => expect(checkMoves(lines).join()).toMatch(why));

  it('say which takes are here, where others are, and which numbers are used up', () => {
    const lines = [added, other, started, ended, out, into];
    expect(knownTakes(lines).map(({ takeId, movedIn, movedOut }) => [takeId, movedIn !== null, movedOut !== null])).toEqual([
      ['0001', false, true],
      ['0003', true, false],
    ]);
    expect([lastTakeNumber(lines, 'an-1'), lastTakeNumber(lines, 'an-2')]).toEqual([1, 3]);
    expect(movesOf('op-1', [added, started, ended, out])[0]).toMatchObject({ from: { operationId: 'op-1' }, to: { operationId: 'op-2' } });
    expect(knownTakes([...lines, undone]).map(({ takeId }) => takeId)).toEqual(['0001']);
    expect(movesOf('op-1', [...lines, undone])).toEqual([]);
  });
});
