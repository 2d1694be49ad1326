import { Device } from 'mediasoup-client';

type Options = { forcedRtpExtensions?: Record<string, boolean> };

const loaded = new Map<string, Promise<Device>>();

/**
 * What this browser and a hub of these capabilities have in common. To find that out takes two connections of the browser with
 * itself, on a busy machine a third of a second: it is done once a page. Throws the browser's own error.
 */
export function deviceFor(rtpCapabilities: Record<string, unknown>, options: Options = {}): Promise<Device> {
  const key = JSON.stringify([rtpCapabilities, options]);
  const present = loaded.get(key);
  if (present) return present;
  const made = load(rtpCapabilities, options);
  loaded.set(key, made);
  made.catch(() => loaded.delete(key)); // asked again, it is tried again
  return made;
}

async function load(rtpCapabilities: Record<string, unknown>, options: Options): Promise<Device> {
  const device = await Device.factory(options);
  await device.load({ routerRtpCapabilities: rtpCapabilities });
  return device;
}
