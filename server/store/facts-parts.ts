import { HubError } from '../../media/errors.ts';
import { stricter } from '../operations/stages.ts';
import type { Confidentiality, OperationStage } from '../protocol/cases.ts';
import type { GivenFacts, Officer } from '../protocol/operations.ts';
import type { Store } from './database.ts';

/** Who does something, as it is written down; null: the hub itself. */
export type Who = { personId: string; name: string } | null;

/** Throws `forbidden` where something of these squads would get a lower class, by somebody who may not do that. */
export type Lowers = (before: Confidentiality, after: Confidentiality, squadIds: string[]) => void;

/** Noted once: the first counts. */
export async function addStep(store: Store, operationId: string, state: OperationStage, atMs: number, who: Who): Promise<void> {
  await store
    .insertInto('operation_step')
    .values({ operation_id: operationId, state, at_ms: Math.round(atMs), person_id: who?.personId ?? null, person_name: who?.name ?? null })
    .onConflict((oc) => oc.doNothing())
    .execute();
}

/** What is written of an operation, against what there is. Throws `bad_request` with the field. */
export async function checkReferences(store: Store, { caseId, squadIds = [], officers = [] }: GivenFacts): Promise<void> {
  if (typeof caseId === 'string') await confidentialityWith(store, caseId, 'open');
  const wanted = [...new Set(squadIds)];
  const squads = wanted.length === 0 ? [] : await store.selectFrom('squad').where('squad_id', 'in', wanted).select('squad_id').execute();
  if (squads.length < wanted.length) throw new HubError('bad_request', 'squadIds: there is no such squad', { field: 'squadIds' });
  const ids = [...new Set(officers.flatMap(({ personId }) => personId ?? []))];
  const people = ids.length === 0 ? [] : await store.selectFrom('person').where('person_id', 'in', ids).select('person_id').execute();
  if (people.length < ids.length) throw new HubError('bad_request', 'officers: there is no such person', { field: 'officers' });
}

/**
 * A device that an angle may be planned with: in service, of one of the operation's squads where it has any; or the one that is
 * planned already, whatever has become of it. Throws `bad_request`, `conflict` for one not in service (`deviceId`).
 */
export async function checkDevice(
  store: Store,
  { operationId, angleId }: { operationId: string; angleId: string },
  deviceId: string,
): Promise<void> {
  const plan = await store
    .selectFrom('planned_angle')
    .where('operation_id', '=', operationId)
    .where('angle_id', '=', angleId)
    .select('device_id')
    .executeTakeFirst();
  if (plan?.device_id === deviceId) return;
  const device = await store.selectFrom('device').where('device_id', '=', deviceId).select(['squad_id', 'state']).executeTakeFirst();
  const squads = await squadsOf(store, operationId);
  if (!device || (squads.length > 0 && !squads.includes(device.squad_id)))
    throw new HubError('bad_request', 'deviceId: there is no such device, or its squad is not on this operation', { field: 'deviceId' });
  if (device.state !== 'in-service') throw new HubError('conflict', 'deviceId: this device is not in service', { field: 'deviceId' });
}

/** An operation's angles (`a`), each with its plan (`p`). */
export const anglesWithPlans = (store: Store, operationId: string) =>
  store
    .selectFrom('angle as a')
    .leftJoin('planned_angle as p', (join) => join.onRef('p.operation_id', '=', 'a.operation_id').onRef('p.angle_id', '=', 'a.angle_id'))
    .where('a.operation_id', '=', operationId);

/** Both or neither. Throws `bad_request`. */
export function checkPoint(latitude: number | null, longitude: number | null): void {
  if ((latitude === null) === (longitude === null)) return;
  const field = latitude === null ? 'latitude' : 'longitude';
  throw new HubError('bad_request', `${field}: both are needed, or neither`, { field });
}

/** What was asked for, but not wider than the case's. Throws `bad_request`. */
export async function confidentialityWith(store: Store, caseId: string | null, asked: Confidentiality): Promise<Confidentiality> {
  if (caseId === null) return asked;
  const row = await store.selectFrom('enforcement_case').where('case_id', '=', caseId).select('confidentiality').executeTakeFirst();
  if (!row) throw new HubError('bad_request', 'caseId: there is no such case', { field: 'caseId' });
  return stricter(asked, row.confidentiality);
}

export async function squadsOf(store: Store, operationId: string): Promise<string[]> {
  const rows = await store.selectFrom('operation_squad').where('operation_id', '=', operationId).select('squad_id').execute();
  return rows.map(({ squad_id: id }) => id);
}

export async function setSquads(store: Store, operationId: string, given: string[]): Promise<void> {
  const squadIds = [...new Set(given)];
  await store.deleteFrom('operation_squad').where('operation_id', '=', operationId).execute();
  for (const id of squadIds) await store.insertInto('operation_squad').values({ operation_id: operationId, squad_id: id }).execute();
  const squads = squadIds.length === 0 ? '' : ` ${squadIds.join(' ')} `;
  await store.updateTable('operation_facts').set({ squads }).where('operation_id', '=', operationId).execute();
}

export async function setOfficers(store: Store, operationId: string, officers: Officer[]): Promise<void> {
  await store.deleteFrom('operation_officer').where('operation_id', '=', operationId).execute();
  for (const [position, { personId, name }] of officers.entries())
    await store.insertInto('operation_officer').values({ operation_id: operationId, position, person_id: personId, name }).execute();
}
