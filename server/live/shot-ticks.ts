import { HubError } from '../../media/errors.ts';
import type { Role } from '../../media/protocol/marks.ts';
import type { Context } from '../context.ts';
import type { OperationShots } from '../protocol/shots.ts';
import { operationShots, removeTick, saveTick, shotRow } from '../store/operation-shots.ts';
import { operationRow } from '../store/operations.ts';

type Ground = Pick<Context, 'store' | 'hub'>;
type Where = { operationId: string; shotId: string };
/** `atMs`: when it was filmed, null for now. `name`: who says so, where that is known. */
type Tick = { angleId: string; atMs: number | null; by: Role; name: string | null };

/** Consoles and phones of an operation hear how its list stands. */
export async function tellShots({ store, hub }: Ground, operationId: string): Promise<OperationShots> {
  const list = await operationShots(store, operationId, hub.nowMs());
  hub.emit('shots', operationId, list);
  return list;
}

/** The list as phones are told it: a link shows what is filmed, and nobody's name. */
export function forPhones(list: OperationShots): OperationShots {
  return { ...list, shots: list.shots.map((shot) => ({ ...shot, tick: shot.tick && { ...shot.tick, by: null } })) };
}

/**
 * An item is filmed: a mark on that angle, which the journal keeps, and its tick. Whoever ticks at the same time, or once more
 * after an answer was lost, makes the same mark; the first one counts. `told`: that it is ticked now, and was not before. Throws
 * `not_found`, `gone` once the operation has ended.
 */
export async function tickShot(
  ground: Ground,
  { operationId, shotId }: Where,
  tick: Tick,
  told: () => void = () => undefined,
): Promise<OperationShots> {
  const { store, hub } = ground;
  const { zh, ticked, nextMarkId: markId } = await shotRow(store, operationId, shotId);
  if (ticked) return operationShots(store, operationId, hub.nowMs());
  await requireLive(ground, operationId);
  const { angleId, by, name } = tick;
  const wanted = { operationId, markId, kind: 'moment', angleId, by, atMs: tick.atMs ?? hub.nowMs(), text: zh } as const;
  const mark = await hub.media.request('addMark', wanted);
  await saveTick(store, operationId, shotId, { markId, angleId: mark.angleId ?? angleId, atMs: mark.atMs, by: name });
  told();
  return tellShots(ground, operationId);
}

/** It was ticked by mistake. The mark stays: nothing is taken out of a journal. Throws as above. */
export async function untickShot(ground: Ground, { operationId, shotId }: Where): Promise<OperationShots> {
  await shotRow(ground.store, operationId, shotId);
  await requireLive(ground, operationId);
  await removeTick(ground.store, operationId, shotId);
  return tellShots(ground, operationId);
}

async function requireLive({ store }: Ground, operationId: string): Promise<void> {
  if ((await operationRow(store, operationId)).status === 'ended')
    throw new HubError('gone', 'the operation has ended', { field: 'operationId' });
}
