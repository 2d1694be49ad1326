import { sql } from 'kysely';
import { HubError } from '../../media/errors.ts';
import { type Device, type DeviceChange, type DeviceCreate, DEVICES_A_PAGE, type DeviceQuery } from '../protocol/devices.ts';
import type { Store } from './database.ts';
import { contains } from './like.ts';
import { forgetDevicesText } from './operation-index.ts';

type Facts = Omit<Device, 'out'> & { out: { useId: string; personId: string | null; operationId: string | null; fromMs: number } | null };
/** A device as the store has it; `holder`: the name of who has it. What the reader may know of its operation is for the caller to say. */
export type KnownDevice = Facts & { holder: string | null };

const joined = (store: Store) =>
  store
    .selectFrom('device')
    .innerJoin('squad', 'squad.squad_id', 'device.squad_id')
    .leftJoin('person as owner', 'owner.person_id', 'device.owner_id')
    .leftJoin('device_use as out', (join) => join.onRef('out.device_id', '=', 'device.device_id').on('out.to_ms', 'is', null))
    .leftJoin('person as holder', 'holder.person_id', 'out.person_id');

const selected = (query: ReturnType<typeof joined>) =>
  query
    .selectAll('device')
    .select(['squad.name as squad_name', 'owner.name as owner_name', 'holder.name as holder_name'])
    .select(['out.use_id', 'out.person_id as out_person', 'out.operation_id as out_operation', 'out.from_ms as out_ms']);
type Row = Awaited<ReturnType<ReturnType<typeof selected>['execute']>>[number];

const deviceOf = (row: Row): KnownDevice => ({
  deviceId: row.device_id,
  squadId: row.squad_id,
  squadName: row.squad_name,
  type: row.type,
  serial: row.serial,
  model: row.model,
  ownerId: row.owner_id,
  ownerName: row.owner_name,
  state: row.state,
  createdMs: row.created_ms,
  version: row.version,
  holder: row.holder_name,
  out:
    row.use_id === null ? null : { useId: row.use_id, personId: row.out_person, operationId: row.out_operation, fromMs: row.out_ms ?? 0 },
});

/** The serial numbers of those of these devices that are of these squads. */
export async function deviceSerials(
  store: Store,
  squads: 'all' | string[],
  deviceIds: string[],
): Promise<[deviceId: string, serial: string][]> {
  let query = store.selectFrom('device').where('device_id', 'in', deviceIds).select(['device_id', 'serial']);
  if (squads !== 'all') query = query.where('squad_id', 'in', squads);
  return (await query.execute()).map(({ device_id: id, serial }) => [id, serial]);
}

/** One page of the devices of these squads, by squad and serial number. */
export async function listDevices(
  store: Store,
  squads: 'all' | string[],
  asked: DeviceQuery,
): Promise<{ devices: KnownDevice[]; total: number }> {
  const { q, squad, state, type, page } = asked;
  if (squads !== 'all' && squads.length === 0) return { devices: [], total: 0 };
  let query = joined(store);
  if (squads !== 'all') query = query.where('device.squad_id', 'in', squads);
  if (squad !== undefined) query = query.where('device.squad_id', 'in', [squad].flat());
  if (state !== undefined) query = query.where('device.state', '=', state);
  if (type !== undefined) query = query.where('device.type', '=', type);
  if (q !== '') {
    const has = (column: string) => contains(sql`coalesce(${sql.ref(column)}, '')`, q);
    query = query.where((eb) => eb.or([has('device.serial'), has('device.model'), has('owner.name'), has('holder.name')]));
  }
  const { total } = await query.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
  const rows = await selected(query)
    .orderBy('squad.name')
    .orderBy('device.serial')
    .limit(DEVICES_A_PAGE)
    .offset((page - 1) * DEVICES_A_PAGE)
    .execute();
  return { devices: rows.map(deviceOf), total };
}

/** Throws `not_found`. */
export async function deviceById(store: Store, deviceId: string): Promise<KnownDevice> {
  const row = await selected(joined(store).where('device.device_id', '=', deviceId)).executeTakeFirst();
  if (!row) throw new HubError('not_found', 'there is no such device, or it is of another squad', { field: 'deviceId' });
  return deviceOf(row);
}

/** Throws `conflict` (`serial`), `bad_request` for a squad or an owner that is not. */
export async function insertDevice(store: Store, deviceId: string, device: DeviceCreate, nowMs: number): Promise<void> {
  await store.transaction().execute(async (tx) => {
    await checkFacts(tx, deviceId, device);
    await tx
      .insertInto('device')
      .values({ device_id: deviceId, ...columnsOf(device), created_ms: Math.round(nowMs), version: 1 })
      .execute();
  });
}

/** Throws as above, `not_found`, and `conflict` (`version`) when it was changed since it was seen. True: to be followed by `catchUpIndex`. */
export function changeDevice(store: Store, deviceId: string, change: DeviceChange): Promise<boolean> {
  return store.transaction().execute(async (tx) => {
    const { version, serial } = await deviceById(tx, deviceId);
    if (version !== change.version)
      throw new HubError('conflict', `the device has been changed meanwhile: it is at version ${version}`, { field: 'version' });
    await checkFacts(tx, deviceId, change);
    await tx
      .updateTable('device')
      .set({ ...columnsOf(change), version: version + 1 })
      .where('device_id', '=', deviceId)
      .execute();
    if (change.serial === serial) return false;
    await forgetDevicesText(tx, deviceId);
    return true;
  });
}

const columnsOf = ({ squadId, type, serial, model, ownerId, state }: DeviceCreate) => ({
  squad_id: squadId,
  type,
  serial,
  model,
  owner_id: ownerId,
  state,
});

async function checkFacts(store: Store, deviceId: string, { squadId, serial, ownerId }: DeviceCreate): Promise<void> {
  const squad = await store.selectFrom('squad').where('squad_id', '=', squadId).select('squad_id').executeTakeFirst();
  if (!squad) throw new HubError('bad_request', `there is no squad ${squadId}`, { field: 'squadId' });
  if (ownerId !== null) await requirePerson(store, ownerId, 'ownerId');
  const same = store.selectFrom('device').where('serial', '=', serial).where('device_id', '!=', deviceId).select('serial');
  if (await same.executeTakeFirst())
    throw new HubError('conflict', `a device with the serial number ${serial} is registered already`, { field: 'serial' });
}

/** Throws `bad_request` with this field for somebody who is not, or who is blocked. */
export async function requirePerson(store: Store, personId: string, field: string): Promise<void> {
  const person = await store.selectFrom('person').where('person_id', '=', personId).select('state').executeTakeFirst();
  if (person?.state !== 'active') throw new HubError('bad_request', `there is no person ${personId}`, { field });
}
