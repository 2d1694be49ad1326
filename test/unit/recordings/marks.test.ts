import { describe, expect, it } from 'vitest';
import type { OperationLine } from '../../../media/recordings/lines.ts';
import { checkMarks, marksOf } from '../../../media/recordings/marks.ts';

const opened: OperationLine = {
  type: 'operation.opened',
  operationId: 'op-1',
  name: 'x',
  atMs: 1000,
  segmentMs: 4000,
  hubVersion: '0',
  publicKey: '',
  clockSynchronised: null,
};
const angle: OperationLine = { type: 'angle.added', angleId: 'east', name: 'east', atMs: 1000 };
const call: OperationLine = {
  type: 'mark',
  markId: 'mark-0001',
  kind: 'blocked',
  angleId: 'east',
  by: 'operator',
  atMs: 2000,
  receivedMs: 9000,
  text: null,
};
const early: OperationLine = { ...call, markId: 'mark-0002', kind: 'moment', atMs: 1500, receivedMs: 9500 };
const label: OperationLine = { type: 'mark.labelled', markId: 'mark-0002', text: '开始拆除', by: 'commander', atMs: 9600 };
const answer: OperationLine = { type: 'mark.acknowledged', markId: 'mark-0001', text: '支援已出发', atMs: 9700 };

describe('marks in an operation journal', () => {
  it('are read with what became of them, by when they were touched', () => {
    expect(marksOf([opened, angle, call, early, label, answer])).toEqual([
      expect.objectContaining({ markId: 'mark-0002', atMs: 1500, text: '开始拆除', acknowledged: null, version: 2 }),
      expect.objectContaining({ markId: 'mark-0001', receivedMs: 9000, acknowledged: { atMs: 9700, text: '支援已出发' }, version: 2 }),
    ]);
  });

  it('are found wrong where they do not agree with the rest', () => {
    expect(checkMarks([opened, angle, call, early, label, answer])).toEqual([]);
    expect(checkMarks([opened, angle, answer])).toEqual(['mark.acknowledged mark-0001: there is no such mark before it']);
    expect(checkMarks([opened, angle, call, call])).toEqual(['mark mark-0001: is there twice']);
    expect(checkMarks([opened, call])).toEqual(['mark mark-0001: is on an angle that was never added']);
    expect(checkMarks([opened, angle, { ...call, atMs: 500 }])).toEqual(['mark mark-0001: lies outside its operation']);
    expect(checkMarks([opened, angle, { ...call, atMs: 9001 }])).toEqual(['mark mark-0001: lies outside its operation']);
  });
});
