import { describe, expect, it } from 'vitest';
import { ProbeBudget } from '../../../server/auth/probe-budget.ts';
import { type CheckName, type CheckResult, judge, type PreflightFacts, PreflightReport } from '../../../server/protocol/preflight.ts';

const WELL: PreflightFacts = {
  camera: { width: 1280, height: 720, picture: true },
  microphone: { heard: true },
  network: { roundTripMs: 60, jitterMs: 20 },
  uplink: { bitsPerSecond: 5e6, bound: false },
  battery: { percent: 80, charging: false },
  storage: { freeBytes: 5e9 },
  clock: { offsetMs: -300, roundTripMs: 60 },
};
const verdict = (name: CheckName, facts: Partial<PreflightFacts>): CheckResult | undefined =>
  judge({ ...WELL, ...facts }).find((check) => check.name === name)?.result;

describe('the verdict of the check before duty', () => {
  it('passes a phone that is well', () => {
    expect(judge(WELL).map(({ name, result }) => `${name} ${result}`)).toEqual([
      'camera pass',
      'microphone pass',
      'network pass',
      'uplink pass',
      'battery pass',
      'storage pass',
      'clock pass',
    ]);
  });

  it.each<[CheckName, Partial<PreflightFacts>, CheckResult]>([
    ['camera', { camera: { width: 720, height: 1280, picture: true } }, 'pass'],
    ['camera', { camera: { width: 640, height: 480, picture: true } }, 'warn'],
    ['camera', { camera: { width: 1920, height: 1080, picture: false } }, 'fail'],
    ['camera', { camera: 'failed' }, 'fail'],
    ['microphone', { microphone: { heard: false } }, 'warn'],
    ['microphone', { microphone: { heard: null } }, 'pass'],
    ['microphone', { microphone: 'failed' }, 'fail'],
    ['network', { network: { roundTripMs: 900, jitterMs: 0 } }, 'warn'],
    ['network', { network: { roundTripMs: 5000, jitterMs: 0 } }, 'fail'],
    ['uplink', { uplink: { bitsPerSecond: 1.5e6, bound: false } }, 'warn'],
    ['uplink', { uplink: { bitsPerSecond: 2e5, bound: true } }, 'fail'],
    ['battery', { battery: { percent: 20, charging: false } }, 'warn'],
    ['battery', { battery: { percent: 5, charging: false } }, 'fail'],
    ['battery', { battery: { percent: 5, charging: true } }, 'warn'],
    ['battery', { battery: 'unavailable' }, 'unavailable'],
    ['storage', { storage: { freeBytes: 1e8 } }, 'warn'],
    ['storage', { storage: { freeBytes: 1e6 } }, 'fail'],
    ['clock', { clock: { offsetMs: 5000, roundTripMs: 10 } }, 'warn'],
    ['clock', { clock: { offsetMs: -3600_000, roundTripMs: 10 } }, 'fail'],
    ['uplink', { uplink: null }, 'skipped'],
  ])('%s %j: %s', (name, facts, result) => expect(verdict(name, facts)).toBe(result));

  it('keeps what was measured, and nothing where nothing was', () => {
    const checks = judge({ ...WELL, microphone: { heard: null }, storage: 'unavailable' });
    expect(checks.find(({ name }) => name === 'uplink')?.facts).toEqual({ bitsPerSecond: 5e6, bound: false });
    expect(checks.find(({ name }) => name === 'microphone')?.facts).toEqual({});
    expect(checks.find(({ name }) => name === 'storage')?.facts).toEqual({});
  });

  it('takes no report that is none', () => {
    expect(PreflightReport.safeParse({ facts: WELL }).success).toBe(true);
    expect(PreflightReport.safeParse({ facts: { ...WELL, clock: { offsetMs: Infinity, roundTripMs: 1 } } }).success).toBe(false);
    expect(PreflightReport.safeParse({ facts: WELL, reason: ' ' }).success).toBe(false);
    expect(PreflightReport.safeParse({ facts: WELL, reason: 'a\u0007b' }).success).toBe(false);
  });
});

describe('what phones may upload to be measured', () => {
  it('is so much a minute for each, and so many at once for all', () => {
    const budget = new ProbeBudget({ bytesPerMinute: 1000, atOnce: 2 });
    const first = budget.take('a', 600, 0);
    const second = budget.take('b', 600, 0);
    expect(() => budget.take('c', 1, 0)).toThrow('too many');
    first();
    first(); // said twice, it counts once
    const third = budget.take('c', 1, 0);
    expect(() => budget.take('d', 1, 0)).toThrow('too many');
    second();
    third();
    expect(() => budget.take('a', 600, 59_000)).toThrow('too many');
    budget.take('a', 600, 61_000)();
  });
});
