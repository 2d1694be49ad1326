import { HubError } from '../../media/errors.ts';
import { checkStep, requiredAngles } from '../operations/stages.ts';
import type { OperationStage } from '../protocol/cases.ts';
import type { AnglePlan, FactsChange, GivenFacts } from '../protocol/operations.ts';
import { type Store, inTransaction } from './database.ts';
import { keepSources } from './label-sources.ts';
import { indexOperation } from './operation-index.ts';
import { shotsForType } from './operation-shots.ts';
import {
  addStep,
  checkDevice,
  checkPoint,
  checkReferences,
  confidentialityWith,
  type Lowers,
  setOfficers,
  setSquads,
  squadsOf,
  type Who,
} from './facts-parts.ts';

export type NewFacts = GivenFacts & { planned: boolean; who: Who };

const ms = (value: number): number => Math.round(value);

/** Whether an operation can be made with these. Throws `bad_request` with the field. */
export async function checkFacts(store: Store, facts: NewFacts): Promise<void> {
  checkPoint(facts.latitude ?? null, facts.longitude ?? null);
  requiredAngles(facts.type ?? null, facts.requiredAngles, 1);
  await checkReferences(store, facts);
}

/** What is known of a new operation at its beginning. Part of a transaction. Throws `bad_request`. */
export async function insertFacts(store: Store, operationId: string, name: string, nowMs: number, facts: NewFacts): Promise<void> {
  const { planned, who, type = null, plannedMs = null, squadIds = [], officers = [] } = facts;
  const { place = null, latitude = null, longitude = null, caseId = null } = facts;
  const state = planned ? 'planned' : 'live';
  await checkFacts(store, facts);
  await store
    .insertInto('operation_facts')
    .values({
      operation_id: operationId,
      name,
      state,
      type,
      case_id: caseId,
      place,
      latitude,
      longitude,
      at_ms: ms(planned ? (plannedMs ?? nowMs) : nowMs),
      planned_ms: plannedMs === null ? null : ms(plannedMs),
      confidentiality: await confidentialityWith(store, caseId, facts.confidentiality ?? 'internal'),
      squads: '',
      required_angles: requiredAngles(type, facts.requiredAngles, 1),
      quick: planned ? 0 : 1,
      created_ms: ms(nowMs),
      created_by: who?.personId ?? null,
      version: 1,
    })
    .execute();
  await addStep(store, operationId, state, nowMs, who);
  await setSquads(store, operationId, squadIds);
  await setOfficers(store, operationId, officers);
  if (type !== null) await shotsForType(store, operationId, type);
  await indexOperation(store, operationId);
}

/** `lowers`: throws unless whoever asks may lower its class. Throws `not_found`, `conflict` (version; sealed), `bad_request`, each with its field. */
export async function changeFacts(store: Store, operationId: string, change: FactsChange, lowers: Lowers): Promise<void> {
  await inTransaction(store, async (tx) => {
    const row = await factsRow(tx, operationId);
    if (row.version !== change.version) throw new HubError('conflict', 'version: it has been changed meanwhile', { field: 'version' });
    if (row.state === 'sealed') throw new HubError('conflict', 'state: the operation is sealed', { field: 'state' });
    const { name = row.name, type = row.type, caseId = row.case_id, place = row.place } = change;
    const { latitude = row.latitude, longitude = row.longitude, plannedMs = row.planned_ms } = change;
    checkPoint(latitude, longitude);
    await checkReferences(tx, change);
    const confidentiality = await confidentialityWith(tx, caseId, change.confidentiality ?? row.confidentiality);
    lowers(row.confidentiality, confidentiality, await squadsOf(tx, operationId));
    const plan = plannedMs === null ? null : ms(plannedMs);
    await tx
      .updateTable('operation_facts')
      .set({
        name,
        type,
        case_id: caseId,
        place,
        latitude,
        longitude,
        planned_ms: plan,
        version: row.version + 1,
        at_ms: row.state === 'planned' ? (plan ?? row.created_ms) : row.at_ms,
        confidentiality,
        required_angles: requiredAngles(type, change.requiredAngles, row.required_angles),
      })
      .where('operation_id', '=', operationId)
      .execute();
    if (type !== row.type) await shotsForType(tx, operationId, type);
    if (name !== row.name) await tx.updateTable('operation').set({ name }).where('operation_id', '=', operationId).execute();
    if (change.squadIds) await setSquads(tx, operationId, change.squadIds);
    if (change.officers) await setOfficers(tx, operationId, change.officers);
    if (type !== row.type) await shotsForType(tx, operationId, type);
    await indexOperation(tx, operationId);
  });
}

/** Bring it to its next state. Throws `not_found`, `conflict`. */
export async function takeStep(store: Store, operationId: string, to: OperationStage, atMs: number, who: Who): Promise<void> {
  await inTransaction(store, async (tx) => {
    const row = await factsRow(tx, operationId);
    checkStep(row.state, to);
    await tx
      .updateTable('operation_facts')
      .set({ state: to, version: row.version + 1, ...(to === 'live' ? { at_ms: ms(atMs) } : {}) })
      .where('operation_id', '=', operationId)
      .execute();
    if (to === 'live') await shotsForType(tx, operationId, row.type);
    if (to === 'sealed') await keepSources(tx, row);
    await addStep(tx, operationId, to, atMs, who);
  });
}

/** It has ended, as the media plane or its journal says. Once more changes nothing. */
export async function factsEnded(store: Store, operationId: string, endedMs: number): Promise<void> {
  const { numUpdatedRows } = await store
    .updateTable('operation_facts')
    .set((eb) => ({ state: 'ended', version: eb('version', '+', 1) }))
    .where('operation_id', '=', operationId)
    .where('state', 'in', ['planned', 'live'])
    .executeTakeFirst();
  if (numUpdatedRows > 0n) await addStep(store, operationId, 'ended', endedMs, null);
}

/** Who ended it; the media plane, which says that it ended, does not know. */
export async function noteEndedBy(store: Store, operationId: string, who: Who): Promise<void> {
  await store
    .updateTable('operation_step')
    .set({ person_id: who?.personId ?? null, person_name: who?.name ?? null })
    .where('operation_id', '=', operationId)
    .where('state', '=', 'ended')
    .where('person_id', 'is', null)
    .execute();
}

/** Who films an angle of it, with what; what is not named stays. Throws `not_found`, `conflict` when it is sealed, and as `checkDevice`. */
export async function planAngle(
  store: Store,
  { operationId, angleId }: { operationId: string; angleId: string },
  { officer, deviceId }: AnglePlan,
): Promise<void> {
  await inTransaction(store, async (tx) => {
    if ((await factsRow(tx, operationId)).state === 'sealed')
      throw new HubError('conflict', 'state: the operation is sealed', { field: 'state' });
    if (typeof deviceId === 'string') await checkDevice(tx, { operationId, angleId }, deviceId);
    const none = { operation_id: operationId, angle_id: angleId, officer: null, device_id: null };
    const plan = { ...(officer !== undefined && { officer }), ...(deviceId !== undefined && { device_id: deviceId }) };
    await tx
      .insertInto('planned_angle')
      .values({ ...none, ...plan })
      .onConflict((oc) => oc.columns(['operation_id', 'angle_id']).doUpdateSet({ angle_id: angleId, ...plan }))
      .execute();
    await indexOperation(tx, operationId);
  });
}

/** Throws `not_found`. */
export async function factsRow(store: Store, operationId: string) {
  const row = await store.selectFrom('operation_facts').where('operation_id', '=', operationId).selectAll().executeTakeFirst();
  if (!row) throw new HubError('not_found', `there is no operation ${operationId}`, { field: 'operationId' });
  return row;
}
