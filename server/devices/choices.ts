import { type Actor, decide, squadsWith } from '../permission/decide.ts';
import type { DeviceChoices } from '../protocol/devices.ts';
import type { Store } from '../store/database.ts';
import { operationBounds } from '../store/operation-bounds.ts';

/** So many of the latest operations that go on are offered. */
const OPERATIONS_MOST = 100;
const SEES = { by: 'permission', permission: 'operation.see', of: 'operation' } as const;

/** May somebody know of this operation? */
export async function seesOperation(store: Store, actor: Actor, operationId: string): Promise<boolean> {
  return decide(SEES, actor, await operationBounds(store, operationId)) === 'allowed';
}

/** The names of those of these operations that somebody may know of. */
export async function namesInReach(store: Store, actor: Actor, operationIds: Iterable<string>): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  const wanted = [...new Set(operationIds)];
  if (wanted.length === 0) return names;
  const rows = await store.selectFrom('operation').where('operation_id', 'in', wanted).select(['operation_id', 'name']).execute();
  for (const { operation_id: id, name } of rows) if (await seesOperation(store, actor, id)) names.set(id, name);
  return names;
}

/** What the forms of the register offer somebody: of people and operations nothing to those who keep no devices. */
export async function deviceChoices(store: Store, actor: Actor): Promise<DeviceChoices> {
  const seen = squadsWith(actor, 'device.see');
  const kept = squadsWith(actor, 'device.keep');
  const rows = await store.selectFrom('squad').select(['squad_id', 'name']).orderBy('name').execute();
  const squads = rows
    .map(({ squad_id: id, name }) => ({ id, name, keep: kept === 'all' || kept.includes(id) }))
    .filter(({ id, keep }) => keep || seen === 'all' || seen.includes(id));
  if (kept !== 'all' && kept.length === 0) return { squads, people: [], operations: [] };
  const people = await store.selectFrom('person').where('state', '=', 'active').select(['person_id', 'name']).orderBy('name').execute();
  const open = await store
    .selectFrom('operation')
    .where('status', '=', 'live')
    .select('operation_id')
    .orderBy('opened_ms', 'desc')
    .limit(OPERATIONS_MOST)
    .execute();
  const names = await namesInReach(store, actor, open.map(({ operation_id: id }) => id)); // prettier-ignore
  return {
    squads,
    people: people.map(({ person_id: id, name }) => ({ id, name })),
    operations: [...names].map(([id, name]) => ({ id, name })),
  };
}
