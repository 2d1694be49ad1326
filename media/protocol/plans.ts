import { z } from 'zod';
import { Id, Name } from './ids.ts';
import { AngleState } from './state.ts';

/** What becomes of an angle before anything is recorded of it: a `conflict` once something was, or a source stands ready for it. */
export const planRequests = {
  renameAngle: { params: z.object({ operationId: Id, angleId: Id, name: Name }), result: AngleState },
  removeAngle: { params: z.object({ operationId: Id, angleId: Id }), result: z.object({}) },
} as const;
