import { HubError } from '../../media/errors.ts';
import type { Context } from '../context.ts';
import { type Actor, squadsWith } from '../permission/decide.ts';
import { CHECKS_A_PAGE, type Device, type DeviceCheckList, type DeviceView } from '../protocol/devices.ts';
import { checksWith } from '../store/device-checks.ts';
import { notesOf, usesOf } from '../store/device-history.ts';
import { deviceById, type KnownDevice } from '../store/devices.ts';
import { namesInReach } from './choices.ts';

type Ground = Pick<Context, 'store'>;

function keepsDevicesOf(actor: Actor, squadId: string): boolean {
  const squads = squadsWith(actor, 'device.keep');
  return squads === 'all' || squads.includes(squadId);
}

/** Throws `forbidden` (`squadId`) for somebody who keeps no devices of this squad. */
export function requireKeeper(actor: Actor, squadId: string): void {
  if (!keepsDevicesOf(actor, squadId)) throw new HubError('forbidden', 'you do not keep the devices of this squad', { field: 'squadId' });
}

/** As they are listed: of operations nothing but those that the reader may know of. */
export async function shownDevices({ store }: Ground, actor: Actor, devices: KnownDevice[]): Promise<Device[]> {
  const names = await namesInReach(store, actor, devices.flatMap(({ out }) => out?.operationId ?? [])); // prettier-ignore
  return devices.map(({ holder, out, ...device }) => ({
    ...device,
    out: out && { ...out, personName: holder, ...known(names, out.operationId), toMs: null },
  }));
}

/** An operation out of the reader's reach is as none: its id alone would tell when it was, and who was on it. */
function known(
  names: ReadonlyMap<string, string>,
  operationId: string | null,
): { operationId: string | null; operationName: string | null } {
  const operationName = names.get(operationId ?? '') ?? null;
  return { operationId: operationName === null ? null : operationId, operationName };
}

/** Everything known of a device, for whoever may see it. Throws `not_found`. */
export async function deviceView(ground: Ground, actor: Actor, deviceId: string): Promise<DeviceView> {
  const { store } = ground;
  const device = await deviceById(store, deviceId);
  const uses = await usesOf(store, deviceId);
  const names = await namesInReach(store, actor, uses.flatMap(({ operationId }) => operationId ?? [])); // prettier-ignore
  const [shown] = await shownDevices(ground, actor, [device]);
  if (!shown) throw new HubError('internal', 'a device was lost on its way');
  return {
    ...shown,
    keep: keepsDevicesOf(actor, device.squadId),
    notes: await notesOf(store, deviceId),
    uses: uses.map((use) => ({ ...use, ...known(names, use.operationId) })),
  };
}

/** What its checks before duty found, for whoever may see it, whatever they may know of the operations. */
export async function deviceChecks({ store }: Ground, actor: Actor, deviceId: string, page: number): Promise<DeviceCheckList> {
  const { checks, total } = await checksWith(store, deviceId, page);
  const names = await namesInReach(store, actor, checks.map(({ operationId }) => operationId)); // prettier-ignore
  const shown = checks.map((check) => ({
    ...check,
    ...known(names, check.operationId),
    ...(!names.has(check.operationId) && { angleId: null, reason: null }),
  }));
  return { checks: shown, total, pageSize: CHECKS_A_PAGE };
}
