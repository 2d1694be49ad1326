import type { Logger } from 'pino';
import { CASE_STAGE_WORDS, TYPE_WORDS } from '../protocol/cases.ts';
import type { Store } from './database.ts';
import { anglesWithPlans } from './facts-parts.ts';
import { labelSources } from './label-sources.ts';
import { removeText, saveText, withoutText } from './operation-text.ts';

const STEP = 200;
const AGAIN_MS = 60_000;

/**
 * Enter all words of an operation that it may be found by, as they are now; of a sealed one as they were. Part of every change
 * of one of them. Its state and class, of which nearly all have the same, are left to the filters.
 */
export async function indexOperation(store: Store, operationId: string): Promise<void> {
  const facts = await store.selectFrom('operation_facts').where('operation_id', '=', operationId).selectAll().executeTakeFirst();
  if (!facts) return;
  const officers = await store.selectFrom('operation_officer').where('operation_id', '=', operationId).select('name').execute();
  const angles = await anglesWithPlans(store, operationId)
    .leftJoin('device as d', 'd.device_id', 'p.device_id')
    .select(['a.name', 'p.officer', 'd.serial'])
    .execute();
  const { squads, case: ofCase } = await labelSources(store, facts);
  const { number, name, place, type } = facts;
  const words = [
    String(number),
    operationId,
    name,
    place,
    ...(type === null ? [] : Object.values(TYPE_WORDS[type])),
    ...(ofCase === null ? [] : [ofCase.number, ofCase.cause, ...ofCase.parties, ...Object.values(CASE_STAGE_WORDS[ofCase.stage])]),
    ...[...officers, ...squads].map((each) => each.name),
    ...angles.flatMap((angle) => [angle.name, angle.officer, angle.serial]),
  ];
  await saveText(
    store,
    number,
    words.filter((each) => each !== null),
  );
}

/** Those of a case whose own words have changed; sealed ones keep theirs. */
export async function indexOperationsOf(store: Store, caseId: string): Promise<void> {
  const rows = await store
    .selectFrom('operation_facts')
    .where('case_id', '=', caseId)
    .where('state', '!=', 'sealed')
    .select('operation_id')
    .execute();
  for (const { operation_id: id } of rows) await indexOperation(store, id);
}

/** A squad may have thousands: they are found by nothing until `catchUpIndex` has been there, which goes on after a crash. */
export async function forgetSquadsText(store: Store, squadId: string): Promise<void> {
  const rows = await notSealed(store)
    .innerJoin('operation_squad as o', 'o.operation_id', 'f.operation_id')
    .where('o.squad_id', '=', squadId)
    .execute();
  for (const { number } of rows) await removeText(store, number);
}

/** Those that were to be filmed with a device; likewise. */
export async function forgetDevicesText(store: Store, deviceId: string): Promise<void> {
  const rows = await notSealed(store)
    .innerJoin('planned_angle as p', 'p.operation_id', 'f.operation_id')
    .where('p.device_id', '=', deviceId)
    .execute();
  for (const { number } of rows) await removeText(store, number);
}

const notSealed = (store: Store) => store.selectFrom('operation_facts as f').where('f.state', '!=', 'sealed').select('f.number');

/** Index what is not, in steps that let others in between: after a squad's new name or a device's new number, and of a hub that knew no full text. */
export async function indexMissing(store: Store): Promise<void> {
  const missing = await withoutText(store);
  for (let at = 0; at < missing.length; at += STEP)
    await store.transaction().execute(async (tx) => {
      for (const id of missing.slice(at, at + STEP)) await indexOperation(tx, id);
    });
}

/** What a change that stands already must not fail over, nor the hub's start: what could not be indexed is logged, and tried again until it is. */
export async function catchUpIndex(store: Store, log: Logger): Promise<void> {
  try {
    await indexMissing(store);
  } catch (error) {
    log.error({ err: error }, 'operations are not found by their words yet, it is tried again');
    setTimeout(() => void catchUpIndex(store, log), AGAIN_MS).unref();
  }
}
