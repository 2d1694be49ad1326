import type { Alarm } from '../../media/protocol/alarms.ts';
import type { Takeover } from '../../media/protocol/takeover.ts';
import { PlainSource } from '../../media/protocol/requests.ts';
import { AngleState, type Interruption, type OperationState } from '../../media/protocol/state.ts';
import { HubError } from '../../media/errors.ts';
import type { OperationView, PackageStatus, TakeSummary } from '../protocol/http.ts';
import { inTransaction, type Store } from './database.ts';
import { additionsOf } from './additions.ts';
import { packageStatus } from './archive-jobs.ts';
import { messagesOf } from './messages.ts';
import { stillsOf } from './stills.ts';
import { marksOf } from './marks.ts';
import { factsEnded, insertFacts, type NewFacts } from './operation-facts.ts';
import { indexOperation } from './operation-index.ts';
import { movesOf } from './take-moves.ts';

const ms = (value: number): number => Math.round(value);

/** A new operation, before the media plane is told of anything in it: nothing recorded may be unknown here. Throws `bad_request`. */
export async function insertOperation(
  store: Store,
  operation: { operationId: string; name: string; openedMs: number; segmentMs: number },
  facts: NewFacts = { planned: false, who: null },
): Promise<void> {
  const { operationId, name, openedMs, segmentMs } = operation;
  await inTransaction(store, async (tx) => {
    await tx
      .insertInto('operation')
      .values({ operation_id: operationId, name, status: 'live', opened_ms: ms(openedMs), segment_ms: segmentMs })
      .execute();
    await insertFacts(tx, operationId, name, openedMs, facts);
  });
}

export async function insertAngle(store: Store, operationId: string, angleId: string, name: string): Promise<void> {
  await inTransaction(store, async (tx) => {
    const { last } = await tx
      .selectFrom('angle')
      .where('operation_id', '=', operationId)
      .select((eb) => eb.fn.max('position').as('last'))
      .executeTakeFirstOrThrow();
    const position = (last ?? -1) + 1;
    await tx.insertInto('angle').values({ operation_id: operationId, angle_id: angleId, name, position }).execute();
    await indexOperation(tx, operationId);
  });
}

/** Throws `not_found`. */
export async function operationRow(store: Store, operationId: string): Promise<{ name: string; status: 'live' | 'ended' }> {
  const row = await store.selectFrom('operation').where('operation_id', '=', operationId).select(['name', 'status']).executeTakeFirst();
  if (!row) throw new HubError('not_found', `there is no operation ${operationId}`, { field: 'operationId' });
  return row;
}

/** Throws `not_found`. */
export async function angleName(store: Store, operationId: string, angleId: string): Promise<string> {
  const row = await store
    .selectFrom('angle')
    .where('operation_id', '=', operationId)
    .where('angle_id', '=', angleId)
    .select('name')
    .executeTakeFirst();
  if (!row) throw new HubError('not_found', `operation ${operationId} has no angle ${angleId}`, { field: 'angleId' });
  return row.name;
}

/** The names of those of these angles that are of these operations. */
export async function angleNames(store: Store, operationIds: string[], angleIds: string[]): Promise<[angleId: string, name: string][]> {
  if (operationIds.length === 0) return [];
  const rows = await store
    .selectFrom('angle')
    .where('operation_id', 'in', operationIds)
    .where('angle_id', 'in', angleIds)
    .select(['angle_id', 'name'])
    .execute();
  return rows.map(({ angle_id: id, name }) => [id, name]);
}

/** Everything known of an operation; the angles as the media plane last told. Throws `not_found`. */
export async function operationView(
  store: Store,
  operationId: string,
  live: {
    mediaUp: boolean;
    queueUp: boolean;
    progress: Pick<PackageStatus, 'step' | 'progress'> | null;
    alarms: Alarm[];
    takeovers: Takeover[];
  },
): Promise<OperationView> {
  const row = await store.selectFrom('operation').where('operation_id', '=', operationId).selectAll().executeTakeFirst();
  if (!row) throw new HubError('not_found', `there is no operation ${operationId}`, { field: 'operationId' });
  const facts = await store
    .selectFrom('operation_facts')
    .where('operation_id', '=', operationId)
    .select('required_angles')
    .executeTakeFirst();
  const angles = await store.selectFrom('angle').where('operation_id', '=', operationId).selectAll().orderBy('position').execute();
  const takes = await store.selectFrom('take').where('operation_id', '=', operationId).selectAll().orderBy('start_ms').execute();
  const interruptions = await store
    .selectFrom('interruption')
    .where('operation_id', '=', operationId)
    .selectAll()
    .orderBy('start_ms')
    .execute();
  return {
    operationId,
    name: row.name,
    status: row.status,
    openedMs: row.opened_ms,
    endedMs: row.ended_ms,
    segmentMs: row.segment_ms,
    angles: angles.map((angle) => angleState(angle.state, angle.angle_id, angle.name, row.status)),
    takes: takes.map((take): TakeSummary => ({
      angleId: take.angle_id,
      takeId: take.take_id,
      startMs: take.start_ms,
      endMs: take.end_ms,
      reason: take.reason,
      segments: take.segments,
      frames: take.frames,
    })),
    interruptions: interruptions.map((i): Interruption => ({
      id: i.interruption_id,
      angleId: i.angle_id,
      startMs: i.start_ms,
      endMs: i.end_ms,
      cause: i.cause as Interruption['cause'],
    })),
    marks: await marksOf(store, operationId),
    stills: await stillsOf(store, operationId),
    messages: await messagesOf(store, operationId),
    moves: await movesOf(store, operationId),
    additions: await additionsOf(store, operationId),
    package: await packageStatus(store, operationId, live.progress),
    mediaUp: live.mediaUp,
    queueUp: live.queueUp,
    alarms: live.alarms,
    takeovers: live.takeovers,
    requiredAngles: facts?.required_angles ?? 1,
  };
}

/** Live operations with their angles and cameras, to be set up in a media plane that has just started. */
export async function liveOperations(
  store: Store,
): Promise<{ operationId: string; name: string; angles: { angleId: string; name: string; camera: PlainSource | null }[] }[]> {
  const operations = await store.selectFrom('operation').where('status', '=', 'live').select(['operation_id', 'name']).execute();
  return Promise.all(
    operations.map(async ({ operation_id: operationId, name }) => {
      const angles = await store
        .selectFrom('angle')
        .where('operation_id', '=', operationId)
        .select(['angle_id', 'name'])
        .orderBy('position')
        .execute();
      const cameras = await store.selectFrom('camera').where('operation_id', '=', operationId).selectAll().execute();
      const target = new Map(cameras.map((camera) => [camera.angle_id, PlainSource.parse(JSON.parse(camera.target))]));
      return {
        operationId,
        name,
        angles: angles.map((angle) => ({ angleId: angle.angle_id, name: angle.name, camera: target.get(angle.angle_id) ?? null })),
      };
    }),
  );
}

export async function saveCamera(store: Store, operationId: string, angleId: string, target: PlainSource): Promise<void> {
  const row = { operation_id: operationId, angle_id: angleId, target: JSON.stringify(target) };
  await store
    .insertInto('camera')
    .values(row)
    .onConflict((oc) => oc.columns(['operation_id', 'angle_id']).doUpdateSet({ target: row.target }))
    .execute();
}

export async function removeCamera(store: Store, operationId: string, angleId: string): Promise<void> {
  await store.deleteFrom('camera').where('operation_id', '=', operationId).where('angle_id', '=', angleId).execute();
}

/** As the media plane tells of it, its name too: that may have been changed by somebody who had no answer any more. */
export async function saveAngleState(store: Store, operationId: string, state: AngleState): Promise<void> {
  await inTransaction(store, async (tx) => {
    await saveAngleName(tx, operationId, state);
    await tx
      .updateTable('angle')
      .set({ state: JSON.stringify(state) })
      .where('operation_id', '=', operationId)
      .where('angle_id', '=', state.angleId)
      .execute();
  });
}

async function saveAngleName(store: Store, operationId: string, { angleId, name }: AngleState): Promise<void> {
  const { numUpdatedRows } = await store
    .updateTable('angle')
    .set({ name })
    .where('operation_id', '=', operationId)
    .where('angle_id', '=', angleId)
    .where('name', '!=', name)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows > 0n) await indexOperation(store, operationId);
}

export async function saveOperationState(store: Store, state: OperationState): Promise<void> {
  for (const angle of state.angles) await saveAngleState(store, state.operationId, angle);
}

/** The operation could not be taken up: whatever its angles did when they were last heard of, they are not recorded now. */
export async function markNotRecording(store: Store, operationId: string): Promise<void> {
  const rows = await store.selectFrom('angle').where('operation_id', '=', operationId).selectAll().execute();
  for (const { state, angle_id: angleId, name } of rows) {
    const known = angleState(state, angleId, name, 'live');
    if (known.status !== 'recording') continue;
    await saveAngleState(store, operationId, { ...known, status: 'interrupted', producers: [], takeId: null });
  }
}

export async function markEnded(store: Store, operationId: string, endedMs: number): Promise<void> {
  await store
    .updateTable('operation')
    .set({ status: 'ended', ended_ms: ms(endedMs) })
    .where('operation_id', '=', operationId)
    .where('status', '=', 'live')
    .execute();
  await factsEnded(store, operationId, endedMs);
  await store.deleteFrom('camera').where('operation_id', '=', operationId).execute();
  await store.deleteFrom('gateway').where('operation_id', '=', operationId).execute();
}

export async function saveTake(store: Store, operationId: string, take: TakeSummary): Promise<void> {
  const end = { end_ms: take.endMs === null ? null : ms(take.endMs), reason: take.reason, segments: take.segments, frames: take.frames };
  await store
    .insertInto('take')
    .values({ operation_id: operationId, angle_id: take.angleId, take_id: take.takeId, start_ms: ms(take.startMs), ...end })
    .onConflict((oc) => oc.columns(['operation_id', 'angle_id', 'take_id']).doUpdateSet(end))
    .execute();
}

export async function saveInterruption(store: Store, operationId: string, interruption: Interruption): Promise<void> {
  const { id, angleId, startMs, endMs, cause } = interruption;
  // where it begins is known for certain only once what is left of a broken take has been read
  const rest = { start_ms: ms(startMs), end_ms: endMs === null ? null : ms(endMs), cause };
  await store
    .insertInto('interruption')
    .values({ operation_id: operationId, interruption_id: id, angle_id: angleId, ...rest })
    .onConflict((oc) => oc.columns(['operation_id', 'interruption_id']).doUpdateSet(rest))
    .execute();
}

export function angleState(json: string | null, angleId: string, name: string, status: 'live' | 'ended'): AngleState {
  const parsed = json === null ? null : AngleState.safeParse(JSON.parse(json));
  const state: AngleState = parsed?.success ? parsed.data : emptyAngle(angleId, name);
  return status === 'ended' ? { ...state, status: 'ended', producers: [], takeId: null, interruption: null } : state;
}

function emptyAngle(angleId: string, name: string): AngleState {
  const nothing = {
    sourceKind: null,
    takeId: null,
    firstMediaMs: null,
    takeStartedMs: null,
    lastFrameMs: null,
    width: null,
    height: null,
    alignmentErrorMs: null,
    alignmentMethod: null,
    interruption: null,
  };
  return {
    angleId,
    name,
    status: 'idle',
    takes: 0,
    producers: [],
    segments: 0,
    frames: 0,
    missingFrames: 0,
    withheldFrames: 0,
    bitrateBps: 0,
    ...nothing,
  };
}
