import { onScopeDispose, ref, shallowRef } from 'vue';
import type { CaptureRequests } from '../../server/protocol/socket.ts';
import { Publisher } from '../media/publisher.ts';
import { type PictureLines, sendPlan } from '../media/send-plan.ts';
import type { Signalling } from '../media/signalling.ts';
import type { SentLook } from './send-quality.ts';
import type { useCamera } from './use-camera.ts';

const WATCH_MS = 2000;
/** The encoder stands still for so many looks: the camera is dead, whatever its flags say. */
const DEAD_LOOKS = 2;

/** What of the camera goes to the hub: sent, watched, and brought back to life. */
export function useSender(camera: ReturnType<typeof useCamera>) {
  const connected = ref(false);
  const everConnected = ref(false);
  const muted = ref(false);
  const cameraDead = ref(false);
  const look = shallowRef<SentLook | null>(null);
  /** `/capture?layers=3#…`: the measured uplink decides, unless the link says how many layers. */
  const forced = ([1, 2, 3] as const).find((count) => new URLSearchParams(location.search).get('layers') === String(count)) ?? null;
  let uplinkBps: number | null = null;
  let publisher: Publisher | null = null;
  let watchTimer: ReturnType<typeof setInterval> | undefined;

  /** The officer has pressed the button. `measuredBps`: of the uplink, where that is known. */
  function begin(measuredBps: number | null): void {
    uplinkBps = measuredBps ?? uplinkBps;
    everConnected.value = false;
    watchTimer ??= setInterval(() => void watchEncoder(), WATCH_MS);
  }

  const producerIds = (): string[] => publisher?.producerIds ?? [];

  /**
   * Whether the hub still has all that is sent. A network that broke while it was set up may have left the hub with tracks of
   * which this page never heard, or with some of them.
   */
  function alive(kept: { transports: string[]; producers: string[] }): boolean {
    const mine = producerIds();
    const whole = mine.length > 0 && mine.length >= (camera.stream.value?.getTracks().length ?? 0);
    const transportId = publisher?.transportId;
    return (
      typeof transportId === 'string' && kept.transports.includes(transportId) && whole && mine.every((id) => kept.producers.includes(id))
    );
  }

  async function publish(signalling: Signalling<CaptureRequests>, rtpCapabilities: Record<string, unknown>): Promise<void> {
    const stream = camera.stream.value ?? (await camera.open());
    if (!stream) return;
    publisher ??= new Publisher(
      signalling,
      (is) => {
        connected.value = is;
        if (is) everConnected.value = true;
      },
      (layers) => sendPlan(uplinkBps, camera.lines.value, forced ?? layers),
    );
    await publisher.publish(rtpCapabilities, stream);
    if (muted.value) await publisher.setMuted(true);
  }

  const checkPath = (): void => publisher?.checkPath();

  /** The hub has let go of what was sent: it is sent anew. */
  function lost(): void {
    connected.value = false;
    publisher?.close();
  }

  let lastSent = { framesEncoded: -1, bytes: 0 };
  let stillLooks = 0;
  async function watchEncoder(): Promise<void> {
    if (!publisher || !connected.value) return;
    const sent = await publisher.sent();
    if (!sent) return;
    look.value = { ...sent, bitrateBps: Math.max(0, ((sent.bytes - lastSent.bytes) * 8000) / WATCH_MS) };
    stillLooks = sent.framesEncoded === lastSent.framesEncoded && document.visibilityState === 'visible' ? stillLooks + 1 : 0;
    lastSent = sent;
    if (stillLooks >= DEAD_LOOKS) await revive();
  }

  /** The camera was taken from us (a call, another app): open it anew into the same take. */
  async function revive(): Promise<void> {
    stillLooks = 0;
    const track = await camera.reopenVideo();
    cameraDead.value = track === null;
    if (track) await publisher?.replaceTrack(track);
  }

  async function flip(): Promise<void> {
    const track = await camera.flip();
    if (track) await publisher?.replaceTrack(track);
  }

  async function setLines(next: PictureLines): Promise<void> {
    const track = await camera.setLines(next);
    if (!track) return;
    await publisher?.replaceTrack(track);
    await publisher?.adapt();
  }

  async function setMuted(next: boolean): Promise<void> {
    muted.value = next;
    for (const track of camera.stream.value?.getAudioTracks() ?? []) track.enabled = !next;
    await publisher?.setMuted(next).catch(() => undefined); // told again when signalling is back
  }

  function end(): void {
    clearInterval(watchTimer);
    watchTimer = undefined;
    publisher?.close();
    publisher = null;
    connected.value = false;
    look.value = null;
  }

  const networkChanged = (): void => void publisher?.restartIce();
  window.addEventListener('online', networkChanged);
  onScopeDispose(() => {
    window.removeEventListener('online', networkChanged);
    end();
  });

  return {
    connected,
    everConnected,
    muted,
    cameraDead,
    look,
    begin,
    producerIds,
    alive,
    checkPath,
    publish,
    lost,
    end,
    controls: { flip, setLines, setMuted, revive },
  };
}
