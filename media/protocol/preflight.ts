import { z } from 'zod';
import { HubTimeMs, Id } from './ids.ts';

/** What a phone is checked for before it records (R14). */
export const CheckName = z.enum(['camera', 'microphone', 'network', 'uplink', 'battery', 'storage', 'clock']);
export type CheckName = z.infer<typeof CheckName>;

/** `unavailable`: this browser does not tell. `skipped`: recording was begun before the check had ended. */
export const CheckResult = z.enum(['pass', 'warn', 'fail', 'unavailable', 'skipped']);
export type CheckResult = z.infer<typeof CheckResult>;

export const PreflightCheck = z.object({
  name: CheckName,
  result: CheckResult,
  /** What was measured, units in the names. */
  facts: z.record(z.string().max(40), z.union([z.number(), z.boolean(), z.string().max(100)])),
});
export type PreflightCheck = z.infer<typeof PreflightCheck>;

/** One pre-duty check of one device, as it is kept with the operation. */
export const Preflight = z.object({
  angleId: Id,
  /** What kind of phone and browser. */
  device: z.string().max(100),
  checks: z.array(PreflightCheck).min(1).max(16),
  /** Why recording went on although a check had failed. */
  reason: z.string().max(200).nullable(),
});
export type Preflight = z.infer<typeof Preflight>;

export const KeptPreflight = Preflight.extend({ atMs: HubTimeMs });
export type KeptPreflight = z.infer<typeof KeptPreflight>;
