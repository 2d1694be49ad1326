import { sql } from 'kysely';
import { TALK_ANGLE } from '../../media/protocol/talk.ts';
import type { Store } from './database.ts';

/**
 * Operations `f` that had to be recorded, took place, are over, and have no recording (R9, R23): each of the types must be. One
 * that was only planned came to nothing, and a sealed one has its recording time.
 */
export const unrecorded = sql<number>`(f.state = 'ended' AND f.type IS NOT NULL
  AND EXISTS (SELECT 1 FROM operation_step AS s WHERE s.operation_id = f.operation_id AND s.state = 'live')
  AND NOT EXISTS (SELECT 1 FROM take AS t WHERE t.operation_id = f.operation_id AND t.angle_id <> ${TALK_ANGLE} AND t.segments > 0))`;

/** The same of one operation. */
export async function isUnrecorded(store: Store, operationId: string): Promise<boolean> {
  const found = store
    .selectFrom('operation_facts as f')
    .where('f.operation_id', '=', operationId)
    .where(sql<boolean>`${unrecorded}`);
  return (await found.select('f.number').executeTakeFirst()) !== undefined;
}
