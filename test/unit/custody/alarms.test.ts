import { beforeEach, describe, expect, it } from 'vitest';
import type { Alarm } from '../../../media/protocol/alarms.ts';
import { custodyAlarms } from '../../../server/custody/alarms.ts';
import type { LogProblem } from '../../../server/custody/findings.ts';
import { StandingAlarms } from '../../../server/live/standing-alarms.ts';

let told: string[] = [];
let standing: StandingAlarms;
let health: ReturnType<typeof custodyAlarms>;
beforeEach(() => {
  told = [];
  standing = new StandingAlarms({
    raised: ({ alarmId }) => void told.push(`raised ${alarmId}`),
    cleared: ({ alarmId }) => void told.push(`cleared ${alarmId}`),
  });
  health = custodyAlarms({ standing, nowMs: () => 1000 });
});
const problem = (line: number): LogProblem => ({ line, count: 1, kind: 'changed', message: `number ${line - 1} was changed` });
const ids = (): string[] => standing.of('op-1').map(({ alarmId }) => alarmId);

describe('a custody log', () => {
  it('that is in order is told of to nobody', () => {
    health({ refusal: null, problems: [] });
    expect(told).toEqual([]);
  });

  it('that cannot be written has an alarm for as long as that lasts, which nobody dismisses', () => {
    health({ refusal: 'ENOSPC', problems: [] });
    expect(standing.of(null)).toMatchObject([{ code: 'custody-refusing', lasting: true, facts: { why: 'ENOSPC' } }]);
    expect(standing.dismiss('custody-refusing')).toBe(true);
    expect(ids()).toEqual(['custody-refusing']);
    health({ refusal: null, problems: [] });
    expect(told).toEqual(['raised custody-refusing', 'cleared custody-refusing']);
    expect(ids()).toEqual([]);
  });

  it('that somebody was at has one until somebody has dismissed it, and another when there is more', () => {
    health({ refusal: null, problems: [problem(4), problem(9)] });
    expect(standing.of(null)).toMatchObject([{ code: 'custody-broken', lasting: false, facts: { count: '2', line: '4' } }]);
    expect(standing.dismiss('custody-broken')).toBe(true);
    health({ refusal: null, problems: [problem(4), problem(9)] }); // the disk refused meanwhile
    expect(ids()).toEqual([]);
    health({ refusal: null, problems: [problem(4), problem(9), problem(12)] });
    expect(ids()).toEqual(['custody-broken']);
  });
});

describe('alarms', () => {
  it('of the hub stand while the media plane tells of its own, and are dismissed each where it is', () => {
    const low: Alarm = { alarmId: 'low', code: 'disk-low', message: '', facts: {}, atMs: 1, lasting: true };
    standing.heard({ type: 'alarm', alarm: { ...low, operationId: 'op-1' } });
    health({ refusal: 'ENOSPC', problems: [] });
    expect(ids()).toEqual(['custody-refusing', 'low']);
    expect(standing.of('op-2').map(({ alarmId }) => alarmId)).toEqual(['custody-refusing']);
    expect(standing.dismiss('low')).toBe(false);
    standing.replace([]);
    expect(ids()).toEqual(['custody-refusing']);
    standing.heard({ type: 'alarm', alarm: low });
    standing.heard({ type: 'alarm.cleared', alarmId: 'low' });
    expect(told).toEqual(['raised low', 'raised custody-refusing', 'raised low', 'cleared low']);
  });
});
