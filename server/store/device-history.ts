import { HubError } from '../../media/errors.ts';
import { DeviceNote, type DeviceNoteCreate, type DeviceUse, type DeviceUseCreate } from '../protocol/devices.ts';
import type { Store } from './database.ts';
import { deviceById, requirePerson } from './devices.ts';

export async function addNote(
  store: Store,
  deviceId: string,
  note: DeviceNoteCreate & { noteId: string; by: string },
  nowMs: number,
): Promise<DeviceNote> {
  const { noteId, kind, text, by } = note;
  const atMs = Math.round(nowMs);
  await store
    .insertInto('device_note')
    .values({ device_id: deviceId, note_id: noteId, at_ms: atMs, kind, person_name: by, text })
    .execute();
  return { noteId, atMs, kind, by, text };
}

/** The newest first. */
export async function notesOf(store: Store, deviceId: string): Promise<DeviceNote[]> {
  const rows = await store.selectFrom('device_note').where('device_id', '=', deviceId).selectAll().orderBy('at_ms', 'desc').execute();
  return rows.map((row) => DeviceNote.parse({ noteId: row.note_id, atMs: row.at_ms, kind: row.kind, by: row.person_name, text: row.text }));
}

/**
 * Hand a device out. Throws `not_found`; `conflict` when it is out already (`device-out`) or not in service (`state`);
 * `bad_request` for a person who is not; `gone` for an operation that has ended.
 */
export async function handOut(
  store: Store,
  deviceId: string,
  { useId, personId, operationId }: DeviceUseCreate & { useId: string },
  nowMs: number,
): Promise<void> {
  await store.transaction().execute(async (tx) => {
    const { out, state } = await deviceById(tx, deviceId);
    if (out) throw new HubError('conflict', 'this device is handed out already: take it back first', { field: 'device-out' });
    if (state !== 'in-service') throw new HubError('conflict', 'this device is not in service', { field: 'device-state' });
    if (personId !== null) await requirePerson(tx, personId, 'personId');
    if (operationId !== null) await requireGoingOn(tx, operationId);
    await tx
      .insertInto('device_use')
      .values({ device_id: deviceId, use_id: useId, person_id: personId, operation_id: operationId, from_ms: Math.round(nowMs) })
      .execute();
  });
}

async function requireGoingOn(store: Store, operationId: string): Promise<void> {
  const operation = await store.selectFrom('operation').where('operation_id', '=', operationId).select('status').executeTakeFirst();
  if (!operation) throw new HubError('bad_request', `there is no operation ${operationId}`, { field: 'operationId' });
  if (operation.status === 'ended') throw new HubError('gone', 'the operation has ended', { field: 'operationId' });
}

/** It is back. Again changes nothing. Throws `not_found`. */
export async function takeBack(store: Store, deviceId: string, useId: string, nowMs: number): Promise<void> {
  const { numUpdatedRows } = await store
    .updateTable('device_use')
    .set((eb) => ({ to_ms: eb.fn.coalesce('to_ms', eb.val(Math.round(nowMs))) }))
    .where('device_id', '=', deviceId)
    .where('use_id', '=', useId)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) throw new HubError('not_found', 'the device was not handed out so', { field: 'useId' });
}

/** The newest first; operations without their names. */
export async function usesOf(store: Store, deviceId: string): Promise<Omit<DeviceUse, 'operationName'>[]> {
  const rows = await store
    .selectFrom('device_use')
    .leftJoin('person', 'person.person_id', 'device_use.person_id')
    .where('device_id', '=', deviceId)
    .select(['use_id', 'device_use.person_id', 'person.name', 'operation_id', 'from_ms', 'to_ms'])
    .orderBy('from_ms', 'desc')
    .execute();
  return rows.map((row) => ({
    useId: row.use_id,
    personId: row.person_id,
    personName: row.name,
    operationId: row.operation_id,
    fromMs: row.from_ms,
    toMs: row.to_ms,
  }));
}
