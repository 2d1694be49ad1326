import { describe, expect, it } from 'vitest';
import { BOARD_START, boardQuery } from '../../../web/composables/board-query.ts';
import { factsOf, formOf, officerNamed, wrongField } from '../../../web/composables/use-facts-form.ts';
import { labelText, wayTo } from '../../../web/composables/use-operations.ts';

const NOON = new Date(2026, 2, 1, 12);
const query = (filters: object): Record<string, string[]> => {
  const said = new URLSearchParams(boardQuery({ ...BOARD_START, ...filters }, NOON, { size: 50 }));
  return Object.fromEntries([...new Set(said.keys())].map((name) => [name, said.getAll(name)]));
};

describe('the board asks for', () => {
  it('everything, live first, unless told otherwise', () => {
    expect(query({})).toEqual({ sort: ['state'], order: ['desc'], page: ['1'], size: ['50'] });
    expect(query({ sort: 'name', q: ' 拆除 ', tab: 'nonsense' })).toMatchObject({ sort: ['name'], order: ['asc'], q: ['拆除'] });
  });

  it('both kinds of ended ones, and plans in the order in which they come', () => {
    expect(query({ tab: 'ended' })).toMatchObject({ state: ['ended', 'sealed'], sort: ['time'] });
    expect(query({ tab: 'planned' })).toMatchObject({ state: ['planned'], sort: ['planned'], order: ['asc'] });
  });

  it('days as the reader has them, the last one whole', () => {
    const midnight = new Date(2026, 2, 1).getTime();
    expect(query({ tab: 'today', from: '2025-01-01' })).toMatchObject({ from: [String(midnight)], to: [String(midnight + 86_400_000)] });
    expect(query({ from: '2026-03-01', to: '2026-03-01' })).toMatchObject({
      from: [String(midnight)],
      to: [String(midnight + 86_400_000)],
    });
    expect(query({ from: 'never' })).not.toHaveProperty('from');
  });

  it('days of 23 and 25 hours whole too', () => {
    const zone = process.env['TZ'];
    process.env['TZ'] = 'Europe/Berlin';
    try {
      const hours = (day: string): number => {
        const { from = [], to = [] } = query({ from: day, to: day });
        return (Number(to[0]) - Number(from[0])) / 3_600_000;
      };
      expect(['2026-03-29', '2026-10-25', '2026-03-01'].map(hours)).toEqual([23, 25, 24]);
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });
});

it('leads to a page of an operation that whoever reads may open', () => {
  const to = (state: 'planned' | 'live' | 'ended', ...may: string[]): string => wayTo({ operationId: 'op', state, may }).to;
  expect(to('live', 'operation.see')).toBe('/operations/op');
  expect(to('ended', 'operation.see', 'package.make')).toBe('/operations/op');
  expect(to('live', 'live.watch', 'recording.view')).toBe('/console/op');
  expect(to('ended', 'live.watch', 'recording.view')).toBe('/review/op');
  expect(to('live', 'recording.view')).toBe('/review/op');
  expect(to('planned', 'live.watch')).toBe('/operations/op');
});

describe('the form of an operation', () => {
  const form = { ...formOf(null, []), name: '拆除' };

  it('names the field that cannot be so', () => {
    expect(wrongField(form)).toBeNull();
    expect(wrongField({ ...form, name: ' ' })).toBe('name');
    expect(wrongField({ ...form, latitude: '91', longitude: '0' })).toBe('latitude');
    expect(wrongField({ ...form, latitude: '30' })).toBe('longitude');
    expect(wrongField({ ...form, required: 'two' })).toBe('requiredAngles');
  });

  it('knows an officer by a name that only one has, and asks who is meant of several', () => {
    const found = [
      { personId: 'pe-1', name: '王伟', badge: '甬-1', squadIds: [] },
      { personId: 'pe-2', name: '李娜', badge: null, squadIds: [] },
      { personId: 'pe-3', name: '李娜', badge: '甬-3', squadIds: [] },
    ];
    expect(officerNamed('王伟', found)).toEqual({ personId: 'pe-1', name: '王伟', badge: '甬-1' });
    expect(officerNamed('王', found)).toEqual({ personId: null, name: '王', badge: null });
    expect(officerNamed('李娜', found)).toBeNull();
    expect(officerNamed('甬-3', found)).toEqual({ personId: 'pe-3', name: '李娜', badge: '甬-3' });
  });

  it('sends each of two officers of one name as who it is', () => {
    const officers = ['pe-2', 'pe-3', null].map((personId) => ({ personId, name: '李娜', badge: null }));
    expect(factsOf({ ...form, officers }, null).officers).toEqual(officers.map(({ personId, name }) => ({ personId, name })));
  });

  it('leaves squads to the hub when none is chosen, and takes what is empty for not known', () => {
    const facts = factsOf(form, null);
    expect(facts).toMatchObject({ type: null, caseId: null, place: null, latitude: null, plannedMs: null });
    expect(facts).not.toHaveProperty('squadIds');
    expect(facts).not.toHaveProperty('requiredAngles');
  });
});

it('shows an interval as two moments, and other labels as they are', () => {
  expect(labelText('1970-01-01T00:00:00.000Z/1970-01-01T00:01:00.000Z', String)).toBe('0 – 60000');
  expect(labelText('留置/公告送达', String)).toBe('留置/公告送达');
});
