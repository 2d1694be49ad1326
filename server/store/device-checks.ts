import { sql } from 'kysely';
import { KeptPreflight } from '../../media/protocol/preflight.ts';
import { CHECKS_A_PAGE } from '../protocol/devices.ts';
import type { Store } from './database.ts';
import { anglesWithPlans } from './facts-parts.ts';
import { officerOf } from './operation-shots.ts';

/** The angle that a phone films, and the link it came by. */
type Duty = { operationId: string; angleId: string; linkHash: string };

/**
 * The registered device that an angle is filmed with, by what is known now: the one planned for it; else the one that its
 * officer has; else the one handed out for the operation, where this angle alone has none planned. Null for none, and where
 * several may be meant: a check that stands with the wrong device is worse than one that stands with none.
 */
export async function deviceOnDuty(store: Store, { operationId, angleId, linkHash }: Duty): Promise<string | null> {
  const angles = await anglesWithPlans(store, operationId).select(['a.angle_id', 'p.device_id']).execute();
  const planned = angles.find(({ angle_id: id }) => id === angleId)?.device_id ?? null;
  if (planned !== null) return planned;
  const elsewhere = angles.flatMap(({ device_id: id }) => id ?? []);
  const out = await handedOut(store, operationId, elsewhere);
  const officer = await officerOf(store, operationId, angleId, linkHash);
  const personId = officer === null ? null : await personNamed(store, operationId, officer);
  if (personId !== null) {
    const his = out.filter(({ person_id: id }) => id === personId);
    const forIt = his.filter(({ operation_id: id }) => id === operationId);
    if (his.length > 0) return onlyOne(forIt.length > 0 ? forIt : his);
  }
  if (angles.filter(({ device_id: id }) => id === null).length > 1) return null;
  // of a known officer nothing is taken that somebody else has
  return onlyOne(out.filter(({ operation_id: id, person_id: who }) => id === operationId && (officer === null || who === null)));
}

const onlyOne = (uses: { device_id: string }[]): string | null => (uses.length === 1 ? (uses[0]?.device_id ?? null) : null);

/** Devices that are out for this operation, or for none that is named, but for those planned elsewhere in it. */
async function handedOut(store: Store, operationId: string, elsewhere: string[]) {
  const rows = await store
    .selectFrom('device_use')
    .where('to_ms', 'is', null)
    .where((eb) => eb.or([eb('operation_id', '=', operationId), eb('operation_id', 'is', null)]))
    .select(['device_id', 'person_id', 'operation_id'])
    .execute();
  return rows.filter(({ device_id: id }) => !elsewhere.includes(id));
}

/** Who is meant by an officer's name: of the operation's own officers, else of all people; null unless it is one. */
async function personNamed(store: Store, operationId: string, name: string): Promise<string | null> {
  const officers = await store
    .selectFrom('operation_officer')
    .where('operation_id', '=', operationId)
    .where('name', '=', name)
    .where('person_id', 'is not', null)
    .select('person_id')
    .execute();
  const people = officers.length > 0 ? officers : await store.selectFrom('person').where('name', '=', name).select('person_id').execute();
  return people.length === 1 ? (people[0]?.person_id ?? null) : null;
}

/** A check that was made with a device: what is planned later changes nothing of it. */
export async function saveDeviceCheck(store: Store, deviceId: string, operationId: string, check: KeptPreflight): Promise<void> {
  const { angleId, atMs } = check;
  await store
    .insertInto('device_check')
    .values({ device_id: deviceId, operation_id: operationId, angle_id: angleId, at_ms: Math.round(atMs), data: JSON.stringify(check) })
    .execute();
}

/** One page of the checks that were made with a device, the newest first. */
export async function checksWith(
  store: Store,
  deviceId: string,
  page: number,
): Promise<{ checks: (KeptPreflight & { operationId: string })[]; total: number }> {
  const made = store.selectFrom('device_check').where('device_id', '=', deviceId);
  const { total } = await made.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
  const rows = await made
    .select(['operation_id', 'data'])
    .orderBy('at_ms', 'desc')
    .orderBy(sql`rowid`, 'desc')
    .limit(CHECKS_A_PAGE)
    .offset((page - 1) * CHECKS_A_PAGE)
    .execute();
  return { checks: rows.map(({ operation_id: operationId, data }) => ({ ...KeptPreflight.parse(JSON.parse(data)), operationId })), total };
}
