import { randomBytes } from 'node:crypto';
import type { AngleState } from '../../media/protocol/state.ts';
import type { Context } from '../context.ts';
import { insertAngle, saveAngleState } from '../store/operations.ts';

/** Lower-case, without look-alikes, unique enough for a brigade's lifetime. */
export function newId(prefix: string): string {
  const alphabet = '23456789abcdefghjkmnpqrstuvwxyz';
  return `${prefix}-${[...randomBytes(8)].map((byte) => alphabet[byte % alphabet.length]).join('')}`;
}

/** A new angle of a live operation: in the store first, then in the media plane; the consoles are told. */
export async function newAngle(
  { store, hub }: Pick<Context, 'store' | 'hub'>,
  operationId: string,
  { angleId, name }: { angleId: string; name: string },
): Promise<AngleState> {
  await insertAngle(store, operationId, angleId, name);
  const state = await hub.media.request('addAngle', { operationId, angleId, name });
  await saveAngleState(store, operationId, state);
  hub.emit('operation', operationId);
  return state;
}
