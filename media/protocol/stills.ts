import { z } from 'zod';
import { HubTimeMs, Id } from './ids.ts';
import { ClientId } from './marks.ts';

export const STILL_MAX_BYTES = 25 * 2 ** 20;
export const StillType = z.enum(['image/jpeg', 'image/png']);
export type StillType = z.infer<typeof StillType>;

/** A picture that an operator took, as the device made it: never recoded. */
export const Still = z.object({
  stillId: ClientId,
  angleId: Id,
  /** When the button was touched, and when the whole picture had reached the hub. */
  atMs: HubTimeMs,
  receivedMs: HubTimeMs,
  /** Under the angle's folder: `stills/<stillId>.jpg`. */
  file: z.string().regex(/^stills\/[A-Za-z0-9_-]{8,64}\.(jpg|png)$/),
  type: StillType,
  width: z.int().positive(),
  height: z.int().positive(),
  sizeBytes: z.int().positive().max(STILL_MAX_BYTES),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type Still = z.infer<typeof Still>;
