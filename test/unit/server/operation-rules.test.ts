import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type Column, csvLines, timeWriter } from '../../../server/operations/csv.ts';
import { labelsOf, missingLabels } from '../../../server/operations/labels.ts';
import { checkSeal, checkStep, requiredAngles, stricter } from '../../../server/operations/stages.ts';
import { OPERATION_STAGES } from '../../../server/protocol/cases.ts';
import { LABELS } from '../../../server/protocol/operations.ts';

const complete = {
  squads: [{ squadId: 'sq-one', name: '一中队' }],
  officers: [
    { personId: null, name: '王伟' },
    { personId: null, name: '李娜' },
  ],
  case: {
    caseId: 'cs-one',
    number: '〔2026〕12号',
    cause: '违法搭建',
    parties: ['张三'],
    stage: 'compulsion' as const,
    confidentiality: 'internal' as const,
  },
  place: '城东路12号',
  type: 'demolition' as const,
  recorded: { fromMs: 0, toMs: 60_000 },
};

describe('the stages of an operation', () => {
  it('follow one another, none is left out or taken back', () => {
    const allowed = OPERATION_STAGES.flatMap((from) =>
      OPERATION_STAGES.filter((to) => passes(() => checkStep(from, to))).map((to) => `${from} ${to}`),
    );
    expect(allowed).toEqual(['planned live', 'planned ended', 'live ended', 'ended sealed']);
  });

  it('end with a seal only when all is there, and what is missing is named', () => {
    const labels = labelsOf(complete);
    expect(() => checkSeal({ state: 'ended', labels, packaged: true })).not.toThrow();
    expect(() => checkSeal({ state: 'live', labels, packaged: true })).toThrow(
      expect.objectContaining({ code: 'conflict', field: 'state' }),
    );
    expect(() => checkSeal({ state: 'ended', labels, packaged: false })).toThrow(expect.objectContaining({ field: 'package' }));
    const without = labelsOf({ ...complete, place: null, case: { ...complete.case, parties: [] } });
    expect(() => checkSeal({ state: 'ended', labels: without, packaged: true })).toThrow('labels: missing are parties, place');
  });

  it('ask for two angles where R12 does', () => {
    expect(requiredAngles('demolition', undefined, 1)).toBe(2);
    expect(requiredAngles('campaign', 5, 2)).toBe(5);
    expect(requiredAngles('hearing', undefined, 1)).toBe(1);
    expect(requiredAngles(null, undefined, 3)).toBe(3);
    expect(() => requiredAngles('campaign', 1, 2)).toThrow(expect.objectContaining({ code: 'bad_request', field: 'requiredAngles' }));
  });

  it('are never shown wider than their case', () => {
    expect(stricter('open', 'secret')).toBe('secret');
    expect(stricter('sensitive', 'internal')).toBe('sensitive');
  });
});

describe('the labels of R18', () => {
  it('are these seven', () => {
    expect(labelsOf(complete).map(({ label }) => label)).toEqual([...LABELS]);
    expect(Object.fromEntries(labelsOf(complete).map(({ label, value }) => [label, value]))).toMatchObject({
      officers: '王伟、李娜',
      time: '1970-01-01T00:00:00.000Z/1970-01-01T00:01:00.000Z',
      type: '强制拆除违法建筑',
    });
  });

  it('are all missing of an operation begun in haste', () => {
    const nothing = labelsOf({ squads: [], officers: [], case: null, place: null, type: null, recorded: null });
    expect(missingLabels(nothing)).toEqual([...LABELS]);
  });
});

describe('a table for spreadsheets', () => {
  const table = (cells: string[]): Promise<string[]> => {
    const columns = cells.map((_, at): Column<string[]> => ['名称', 'a,b', (row) => row[at] ?? '']);
    return Readable.from(csvLines(columns, Readable.from([cells]), 'en', 'UTC')).toArray() as Promise<string[]>;
  };

  it('is RFC 4180 in UTF-8 with its mark', async () => {
    expect(await table(['say "no"', 'two\nlines'])).toEqual(['\u{FEFF}"a,b","a,b"\r\n', '"say ""no""","two\nlines"\r\n']);
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\r=1'])('has no formula: %j', async (text) => {
    expect((await table([text]))[1]).toMatch(/^"?'/);
  });

  it('writes moments as clocks there show them', () => {
    expect(timeWriter('Asia/Shanghai')(Date.UTC(2026, 2, 1, 1, 30))).toBe('2026-03-01 09:30:00');
    expect(timeWriter('UTC')(null)).toBe('');
  });
});

function passes(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
