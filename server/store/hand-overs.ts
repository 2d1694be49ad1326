import { sql } from 'kysely';
import type { Payload } from '../../media/archive/handed.ts';
import { HubError } from '../../media/errors.ts';
import type { Reach } from '../permission/reach.ts';
import type { HandOver, HandOverAnswer, WaitingHandOvers } from '../protocol/hand-overs.ts';
import { inTransaction, type Store } from './database.ts';
import { inReach } from './operation-list.ts';

type Person = { personId: string; name: string };
type Given = Payload & { handOverId: string; operationId: string; giver: Person; taker: Person; note: string | null };

/** One that nobody has answered yet is replaced by it. */
export async function insertHandOver(store: Store, given: Given, nowMs: number): Promise<void> {
  const { handOverId, operationId, giver, taker, note, files, sizeBytes, manifestSha256 } = given;
  const atMs = Math.round(nowMs);
  await inTransaction(store, async (tx) => {
    await tx
      .updateTable('hand_over')
      .set({ state: 'replaced', answered_ms: atMs })
      .where('operation_id', '=', operationId)
      .where('state', '=', 'given')
      .execute();
    await tx
      .insertInto('hand_over')
      .values({
        hand_over_id: handOverId,
        operation_id: operationId,
        given_ms: atMs,
        giver_id: giver.personId,
        giver_name: giver.name,
        taker_id: taker.personId,
        taker_name: taker.name,
        note,
        files,
        size_bytes: sizeBytes,
        manifest_sha256: manifestSha256,
        state: 'given',
      })
      .execute();
  });
}

/**
 * One that waits for this person's answer. Throws `not_found`; `forbidden` (`takerId`) when it waits for another one's, `conflict`
 * (`handOverId`) when it has been answered.
 */
export async function waitingHandOver(store: Store, operationId: string, handOverId: string, personId: string): Promise<HandOver> {
  const found = (await handOversOf(store, operationId)).find((each) => each.handOverId === handOverId);
  if (!found) throw new HubError('not_found', 'there is no such hand-over', { field: 'handOverId' });
  if (found.takerId !== personId) throw new HubError('forbidden', 'takerId: it was handed to somebody else', { field: 'takerId' });
  if (found.state !== 'given') throw new HubError('conflict', 'handOverId: it has been answered, or replaced', { field: 'handOverId' });
  return found;
}

/** Throws `conflict` when it waits no longer. */
export async function answerHandOver(store: Store, handOverId: string, { taken, note }: HandOverAnswer, nowMs: number): Promise<void> {
  const { numUpdatedRows } = await store
    .updateTable('hand_over')
    .set({ state: taken ? 'taken' : 'declined', answered_ms: Math.round(nowMs), answer: note })
    .where('hand_over_id', '=', handOverId)
    .where('state', '=', 'given')
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw new HubError('conflict', 'handOverId: it has been answered, or replaced', { field: 'handOverId' });
}

/** All of an operation, the newest first. */
export function handOversOf(store: Store, operationId: string): Promise<HandOver[]> {
  return store
    .selectFrom('hand_over')
    .where('operation_id', '=', operationId)
    .select(['hand_over_id as handOverId', 'given_ms as givenMs', 'giver_name as giverName', 'taker_id as takerId'])
    .select(['taker_name as takerName', 'note', 'files', 'size_bytes as sizeBytes', 'manifest_sha256 as manifestSha256'])
    .select(['state', 'answered_ms as answeredMs', 'answer'])
    .orderBy('given_ms', 'desc')
    .execute();
}

/** What waits for this person's answer, of operations in reach, the oldest first. */
export async function handOversWaiting(store: Store, reach: Reach, personId: string): Promise<WaitingHandOvers> {
  const handOvers = await store
    .selectFrom('hand_over as h')
    .innerJoin('operation_facts as f', 'f.operation_id', 'h.operation_id')
    .where('h.taker_id', '=', personId)
    .where('h.state', '=', 'given')
    .where(sql<boolean>`${inReach(reach)}`)
    .select(['h.operation_id as operationId', 'f.name as operationName', 'h.hand_over_id as handOverId'])
    .select(['h.given_ms as givenMs', 'h.giver_name as giverName'])
    .orderBy('h.given_ms')
    .limit(100)
    .execute();
  return { handOvers };
}
