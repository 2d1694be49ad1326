import { HubError } from '../../media/errors.ts';
import { operationDir } from '../../media/recordings/paths.ts';
import { readPreflights } from '../../media/recordings/read.ts';
import type { Context } from '../context.ts';
import { type Actor, squadsWith } from '../permission/decide.ts';
import type { Device, DeviceCheck, DeviceView } from '../protocol/devices.ts';
import { anglesPlannedWith, notesOf, usesOf } from '../store/device-history.ts';
import { deviceById, type KnownDevice } from '../store/devices.ts';
import { namesInReach } from './choices.ts';

type Ground = Pick<Context, 'store' | 'settings'>;
/** A journal is read for each operation, so that not those of a whole life are. */
const OPERATIONS_MOST = 20;

function keepsDevicesOf(actor: Actor, squadId: string): boolean {
  const squads = squadsWith(actor, 'device.keep');
  return squads === 'all' || squads.includes(squadId);
}

/** Throws `forbidden` (`squadId`) for somebody who keeps no devices of this squad. */
export function requireKeeper(actor: Actor, squadId: string): void {
  if (!keepsDevicesOf(actor, squadId)) throw new HubError('forbidden', 'you do not keep the devices of this squad', { field: 'squadId' });
}

/** As they are listed: of operations, those are named that the reader may know of. */
export async function shownDevices({ store }: Ground, actor: Actor, devices: KnownDevice[]): Promise<Device[]> {
  const names = await namesInReach(store, actor, devices.flatMap(({ out }) => out?.operationId ?? [])); // prettier-ignore
  return devices.map(({ holder, out, ...device }) => ({
    ...device,
    out: out && { ...out, personName: holder, operationName: names.get(out.operationId ?? '') ?? null, toMs: null },
  }));
}

/** Everything known of a device, for whoever may see it. Throws `not_found`. */
export async function deviceView(ground: Ground, actor: Actor, deviceId: string): Promise<DeviceView> {
  const { store } = ground;
  const device = await deviceById(store, deviceId);
  const uses = await usesOf(store, deviceId);
  const planned = await anglesPlannedWith(store, deviceId, OPERATIONS_MOST);
  const names = await namesInReach(store, actor, [...uses, ...planned].flatMap(({ operationId }) => operationId ?? [])); // prettier-ignore
  const [shown] = await shownDevices(ground, actor, [device]);
  if (!shown) throw new HubError('internal', 'a device was lost on its way');
  return {
    ...shown,
    keep: keepsDevicesOf(actor, device.squadId),
    notes: await notesOf(store, deviceId),
    uses: uses.map((use) => ({ ...use, operationName: names.get(use.operationId ?? '') ?? null })),
    checks: await checksOf(ground, planned, names),
  };
}

/** The checks before duty on angles that were planned with the device: a check names its angle, not the device's serial number. */
async function checksOf(
  { settings }: Ground,
  planned: { operationId: string; angleId: string }[],
  names: ReadonlyMap<string, string>,
): Promise<DeviceCheck[]> {
  const checks: DeviceCheck[] = [];
  for (const operationId of new Set(planned.map((each) => each.operationId))) {
    const operationName = names.get(operationId);
    if (operationName === undefined) continue;
    const angles = planned.filter((each) => each.operationId === operationId).map(({ angleId }) => angleId);
    const kept = await readPreflights(operationDir(settings.dataDir, operationId)).catch((error: unknown) => {
      // planned, and never begun; or its journal is damaged, which its own pages say
      if (error instanceof HubError) return [];
      throw error;
    });
    checks.push(...kept.filter(({ angleId }) => angles.includes(angleId)).map((each) => ({ ...each, operationId, operationName })));
  }
  return checks.toSorted((a, b) => b.atMs - a.atMs);
}
