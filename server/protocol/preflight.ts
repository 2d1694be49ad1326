import { z } from 'zod';
import { type CheckName, type CheckResult, KeptPreflight, Preflight, PreflightCheck } from '../../media/protocol/preflight.ts';

export { type CheckName, type CheckResult, KeptPreflight, Preflight, PreflightCheck };

/** What the page found: facts; `unavailable` where the browser does not tell; `failed` where nothing came; null where it had not ended. */
const found = <T extends z.ZodType>(facts: T) => z.union([facts, z.literal('unavailable'), z.literal('failed'), z.null()]);
const Figure = z.number().nonnegative();

export const PreflightFacts = z.object({
  /** `picture`: a frame of it has been seen. */
  camera: found(z.object({ width: z.int(), height: z.int(), picture: z.boolean() })),
  /** `heard`: some sound, be it noise; null where it could not be listened to. */
  microphone: found(z.object({ heard: z.boolean().nullable() })),
  network: found(z.object({ roundTripMs: Figure, jitterMs: Figure })),
  /** `bound`: it took too long to be measured, and is this at most. */
  uplink: found(z.object({ bitsPerSecond: Figure, bound: z.boolean() })),
  battery: found(z.object({ percent: Figure, charging: z.boolean() })),
  /** What the browser lets this page store; not all that is free on the phone. */
  storage: found(z.object({ freeBytes: Figure })),
  /** The page's clock less hub time. */
  clock: found(z.object({ offsetMs: z.number(), roundTripMs: Figure })),
});
export type PreflightFacts = z.infer<typeof PreflightFacts>;

/** Why it goes on although a check failed. */
export const Reason = z
  .string()
  .trim()
  .min(2)
  .max(200)
  // eslint-disable-next-line no-control-regex
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'no control characters');
export const PreflightReport = z.object({ facts: PreflightFacts, reason: Reason.optional() });
export type PreflightReport = z.infer<typeof PreflightReport>;

/** The hub's answer to an upload of random bytes: how long it took from the first piece to the last, at the hub. */
export const ProbeResult = z.object({ bytes: z.int(), laterBytes: z.int(), ms: z.number() });
export type ProbeResult = z.infer<typeof ProbeResult>;
export const PROBE_BYTES_MOST = 512 * 1024;
/** NTP's middle two timestamps. */
export const ClockReading = z.object({ t1: z.number(), t2: z.number() });

/** 720p as it is sent takes 2.5 Mbit/s, its sound 0.04; below a third of that faces and plates are no evidence. */
const UPLINK = { passBps: 3e6, failBps: 8e5 };
const ROUND_TRIP = { passMs: 300, failMs: 2000 };
const BATTERY = { pass: 30, fail: 10 };
const STORAGE = { passBytes: 500e6, failBytes: 50e6 };
/** Recorded times do not depend on the phone's clock, which is measured: it is told because people read it. */
const CLOCK = { passMs: 2000, failMs: 60_000 };
const PICTURE_LINES = 720;

type Rules = { [K in keyof PreflightFacts]: (facts: Exclude<PreflightFacts[K], string | null>) => CheckResult };
const atLeast = (value: number, pass: number, fail: number): CheckResult => (value >= pass ? 'pass' : value >= fail ? 'warn' : 'fail');
const atMost = (value: number, pass: number, fail: number): CheckResult => (value <= pass ? 'pass' : value <= fail ? 'warn' : 'fail');

const RULES: Rules = {
  camera: ({ width, height, picture }) => (!picture ? 'fail' : Math.min(width, height) >= PICTURE_LINES ? 'pass' : 'warn'),
  microphone: ({ heard }) => (heard === false ? 'warn' : 'pass'),
  network: ({ roundTripMs }) => atMost(roundTripMs, ROUND_TRIP.passMs, ROUND_TRIP.failMs),
  uplink: ({ bitsPerSecond }) => atLeast(bitsPerSecond, UPLINK.passBps, UPLINK.failBps),
  battery: ({ percent, charging }) => {
    const result = atLeast(percent, BATTERY.pass, BATTERY.fail);
    return charging && result === 'fail' ? 'warn' : result;
  },
  storage: ({ freeBytes }) => atLeast(freeBytes, STORAGE.passBytes, STORAGE.failBytes),
  clock: ({ offsetMs }) => atMost(Math.abs(offsetMs), CLOCK.passMs, CLOCK.failMs),
};

/** The verdict on each check, in the order in which they are shown. Used by the page, and again by the hub before it keeps them. */
export function judge(facts: PreflightFacts): PreflightCheck[] {
  return (Object.keys(RULES) as CheckName[]).map((name) => {
    const value = facts[name];
    if (value === null) return { name, result: 'skipped', facts: {} };
    if (value === 'unavailable') return { name, result: 'unavailable', facts: {} };
    if (value === 'failed') return { name, result: 'fail', facts: {} };
    const result = (RULES[name] as (given: typeof value) => CheckResult)(value);
    const known = Object.entries(value).filter((entry): entry is [string, number | boolean] => entry[1] !== null);
    return { name, result, facts: Object.fromEntries(known) };
  });
}
