import { computed, onScopeDispose, ref, shallowRef } from 'vue';
import type { AngleChoice } from '../../server/protocol/capture.ts';
import type { AngleState } from '../../server/protocol/http.ts';
import type { CaptureRequests } from '../../server/protocol/socket.ts';
import { Publisher } from '../media/publisher.ts';
import { type PictureLines, sendPlan } from '../media/send-plan.ts';
import { newPeerId, Signalling } from '../media/signalling.ts';
import { ApiFailure, errorKey } from './api.ts';
import { inWeChat, useCamera } from './use-camera.ts';
import type { SentLook } from './send-quality.ts';
import { keepReportingClock } from './clock-exchange.ts';
import { tellStop } from './tell-stop.ts';
import { useLink } from './use-link.ts';
import type { JoinedNotes } from './use-capture-marks.ts';
import { useNow } from './use-now.ts';

/** `live`: connected, the hub has not yet confirmed that it records. */
export type CaptureState = 'checking' | 'choosing' | 'ready' | 'connecting' | 'live' | 'recording' | 'reconnecting' | 'stopped' | 'ended';

const WATCH_MS = 2000;
/** The encoder stands still for so many looks: the camera is dead, whatever its flags say. */
const DEAD_LOOKS = 2;
const MAX_BACKOFF_MS = 8000;

/** Everything behind the capture page. */
export function useCapture() {
  const camera = useCamera();
  const { nowMs, readMs, sync, correct } = useNow();
  const link = useLink(sync);
  const { session } = link;
  const angle = ref<AngleState | null>(null);
  const channel = shallowRef<Signalling<CaptureRequests> | null>(null);
  const joinedNotes = shallowRef<JoinedNotes>({ marks: [], messages: [], talk: null, rtpCapabilities: null });
  const phase = ref<'checking' | 'choosing' | 'ready' | 'sending' | 'stopped' | 'ended'>('checking');
  const connected = ref(false);
  const problem = ref<{ key: string; params: Record<string, string> } | null>(null);
  const muted = ref(false);
  const cameraDead = ref(false);
  const peerId = newPeerId();
  /** `/capture?layers=3#…`: the measured uplink decides, unless the link says how many layers. */
  const forced = ([1, 2, 3] as const).find((count) => new URLSearchParams(location.search).get('layers') === String(count)) ?? null;
  let uplinkBps: number | null = null;
  const look = shallowRef<SentLook | null>(null);
  let signalling: Signalling<CaptureRequests> | null = null;
  let publisher: Publisher | null = null;
  let backoffMs = 500;
  let watchTimer: ReturnType<typeof setInterval> | undefined;
  let joining = false;
  let stopClock = (): void => undefined;

  const confirmed = computed(
    () =>
      angle.value?.status === 'recording' && angle.value.producers.some((producer) => publisher?.producerIds.includes(producer.producerId)),
  );
  const state = computed<CaptureState>(() => {
    if (phase.value !== 'sending') return phase.value;
    if (!connected.value) return everConnected.value ? 'reconnecting' : 'connecting';
    return confirmed.value ? 'recording' : 'live';
  });
  const everConnected = ref(false);

  function fail(error: unknown): void {
    problem.value = errorKey(error);
    if (!(error instanceof ApiFailure)) return;
    if (error.code === 'gone' && error.field === 'operationId') finish();
    if (error.field === 'taken') toChoice();
  }

  async function open(): Promise<void> {
    problem.value = null;
    // where there may be no camera it is asked for first: a link for one device stays good for the browser it is opened in next
    if (!camera.possible() || (inWeChat() && !(await camera.open()))) return;
    try {
      await link.open();
    } catch (error) {
      if (!link.hasToken() && error instanceof ApiFailure && error.code === 'unauthorized')
        problem.value = { key: 'error.no-link', params: {} };
      else fail(error);
      return;
    }
    if (!camera.stream.value && !(await camera.open())) return;
    const { angleId, angles } = session.value ?? {};
    if (angles && angles.find((each) => each.angleId === angleId)?.state !== 'mine') toChoice();
    else phase.value = 'ready';
  }

  /** Whose link is for the whole operation says which angle it films. */
  function toChoice(): void {
    stopSending();
    phase.value = 'choosing';
    link.keepFresh(true);
  }
  async function choose(choice: AngleChoice): Promise<void> {
    problem.value = null;
    try {
      await link.choose(choice);
      signalling?.close(); // its token is for the angle before
      signalling = null;
      channel.value = null;
      angle.value = null;
      link.keepFresh(false);
      phase.value = 'ready';
    } catch (error) {
      fail(error);
    }
  }

  async function freshToken(): Promise<string> {
    try {
      return (await link.refresh()).socketToken ?? '';
    } catch (error) {
      if (error instanceof ApiFailure && (error.code === 'gone' || error.code === 'unauthorized')) fail(error);
      throw error;
    }
  }

  /** `measuredBps`: of the uplink, where that is known. */
  function start(measuredBps: number | null = null): void {
    uplinkBps = measuredBps ?? uplinkBps;
    problem.value = null;
    phase.value = 'sending';
    everConnected.value = false;
    backoffMs = 500;
    signalling ??= connectSignalling();
    if (signalling.socket.connected) void join();
    else signalling.connect();
    watchTimer ??= setInterval(() => void watchEncoder(), WATCH_MS);
  }

  function connectSignalling(): Signalling<CaptureRequests> {
    const made = new Signalling<CaptureRequests>('/capture', freshToken);
    channel.value = made;
    made.socket.on('connect', () => void join());
    made.on('angle', ({ state: told }) => {
      angle.value = told;
    });
    made.on('peer-closed', () => {
      connected.value = false;
      publisher?.close();
      again();
    });
    made.on('dismissed', ({ reason }) => {
      stopSending();
      if (reason === 'operation-ended') finish();
      else {
        phase.value = 'stopped';
        problem.value = { key: `error.${reason}`, params: {} };
      }
      made.close();
      signalling = null;
      channel.value = null;
    });
    return made;
  }

  /** Say who we are; carry on where the media plane still knows us, else send anew. */
  async function join(): Promise<void> {
    if (!signalling || phase.value !== 'sending' || joining) return;
    joining = true;
    try {
      const joined = await signalling.request('join', { peerId });
      angle.value = joined.angle;
      joinedNotes.value = joined;
      // a network that broke while it was set up may have left the hub with tracks of which this page never heard, or with some of them
      const mine = publisher?.producerIds ?? [];
      const whole = mine.length > 0 && mine.length >= (camera.stream.value?.getTracks().length ?? 0);
      const alive =
        typeof publisher?.transportId === 'string' &&
        joined.transports.includes(publisher.transportId) &&
        whole &&
        mine.every((id) => joined.producers.includes(id));
      if (alive) publisher?.checkPath();
      else await publish(joined.rtpCapabilities);
      problem.value = null;
      backoffMs = 500;
      stopClock();
      stopClock = keepReportingClock(signalling, correct);
    } catch (error) {
      fail(error);
      again();
    } finally {
      joining = false;
    }
  }

  async function publish(rtpCapabilities: Record<string, unknown>): Promise<void> {
    const stream = camera.stream.value ?? (await camera.open());
    if (!stream || !signalling) return;
    publisher ??= new Publisher(
      signalling,
      (next) => {
        connected.value = next === 'connected';
        if (next === 'connected') everConnected.value = true;
      },
      (layers) => sendPlan(uplinkBps, camera.lines.value, forced ?? layers),
    );
    await publisher.publish(rtpCapabilities, stream);
    if (muted.value) await publisher.setMuted(true);
  }

  function again(): void {
    if (phase.value !== 'sending') return;
    setTimeout(() => void join(), backoffMs);
    backoffMs = Math.min(MAX_BACKOFF_MS, backoffMs * 2);
  }

  let lastSent = { framesEncoded: -1, bytes: 0 };
  let stillLooks = 0;
  async function watchEncoder(): Promise<void> {
    if (phase.value !== 'sending' || !publisher || !connected.value) return;
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

  async function stop(): Promise<void> {
    phase.value = 'stopped';
    await tellStop(signalling, peerId).catch(() => undefined); // the transport's end says it too, without its reason
    stopSending();
  }

  function stopSending(): void {
    stopClock();
    clearInterval(watchTimer);
    watchTimer = undefined;
    publisher?.close();
    publisher = null;
    connected.value = false;
    look.value = null;
  }

  function finish(): void {
    phase.value = 'ended';
    stopSending();
    camera.close();
  }

  const networkChanged = (): void => void publisher?.restartIce().catch(() => undefined);
  window.addEventListener('online', networkChanged);
  onScopeDispose(() => {
    window.removeEventListener('online', networkChanged);
    stopSending();
    signalling?.close();
  });

  return {
    session,
    angle,
    line: { session, channel, joinedNotes, readMs },
    state,
    problem,
    cameraProblem: camera.problem,
    stream: camera.stream,
    muted,
    look,
    lines: camera.lines,
    setLines,
    cameraDead,
    nowMs,
    open,
    choose,
    toChoice,
    start,
    stop,
    flip,
    setMuted,
    revive,
  };
}
