import { z } from 'zod';
import { HubTimeMs, Id } from './ids.ts';

/**
 * - `disk-low`: room is running out. `disk-refusing`: new takes are refused. `disk-closed`: running takes were closed as
 *   well, before the disk was truly full. `disk-full`: it was full in one go, and takes broke off.
 * - `disk-slow`: the disk does not keep up, pictures are lost. `write-failed`: a take could not be written.
 *   `not-writable`: a folder may not be written. `file-missing`: a file was removed while its take was recorded.
 * - `recorder-failed`: an operation could not be taken up.
 * - `custody-refusing`, `custody-broken`: the custody log cannot be written; it is not as the hub wrote it.
 */
export const AlarmCode = z.enum([
  'disk-low',
  'disk-refusing',
  'disk-closed',
  'disk-full',
  'disk-slow',
  'write-failed',
  'not-writable',
  'file-missing',
  'clock-stepped',
  'recorder-failed',
  'custody-refusing',
  'custody-broken',
]);
export type AlarmCode = z.infer<typeof AlarmCode>;

export const Alarm = z.object({
  /** The same trouble has the same id: raised again it replaces what was said before. */
  alarmId: z.string(),
  code: AlarmCode,
  /** In English: what is wrong, where, and what to do. */
  message: z.string(),
  /** The same in parts, for screens that say it in their own words: `path`, `free`, `reserve`, `why`, `step`, `angle`. */
  facts: z.record(z.string(), z.string()),
  atMs: HubTimeMs,
  /** It ends when its cause does. Otherwise it stands until somebody has dismissed it. */
  lasting: z.boolean(),
  operationId: Id.optional(),
  angleId: Id.optional(),
});
export type Alarm = z.infer<typeof Alarm>;
