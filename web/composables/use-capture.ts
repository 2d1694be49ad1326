import { computed, onScopeDispose, ref, shallowRef } from 'vue';
import type { AngleChoice } from '../../server/protocol/capture.ts';
import type { AngleState } from '../../server/protocol/http.ts';
import type { CaptureRequests } from '../../server/protocol/socket.ts';
import { newPeerId, Signalling } from '../media/signalling.ts';
import { ApiFailure, errorKey } from './api.ts';
import { inWeChat, useCamera } from './use-camera.ts';
import { keepReportingClock } from './clock-exchange.ts';
import { tellStop } from './tell-stop.ts';
import { useLink } from './use-link.ts';
import type { JoinedNotes } from './use-capture-marks.ts';
import { useNow } from './use-now.ts';
import { useSender } from './use-sender.ts';
import { type Turn, useTakeover } from './use-takeover.ts';

type Phase = 'checking' | 'choosing' | 'in-use' | 'ready' | 'sending' | 'stopped' | 'ended';
/** `live`: connected, the hub has not yet confirmed that it records. */
export type CaptureState = Exclude<Phase, 'sending'> | 'connecting' | 'live' | 'recording' | 'reconnecting';

const MAX_BACKOFF_MS = 8000;

/** Everything behind the capture page. */
export function useCapture() {
  const camera = useCamera();
  const sender = useSender(camera);
  const { nowMs, readMs, sync, correct } = useNow();
  const link = useLink(sync);
  const { session } = link;
  const angle = ref<AngleState | null>(null);
  const channel = shallowRef<Signalling<CaptureRequests> | null>(null);
  const joinedNotes = shallowRef<JoinedNotes>({ marks: [], messages: [], talk: null, rtpCapabilities: null });
  const phase = ref<Phase>('checking');
  const problem = ref<{ key: string; params: Record<string, string> } | null>(null);
  const peerId = newPeerId();
  let backoffMs = 500;
  let joining = false;
  let stopClock = (): void => undefined;
  /** Filming shall begin now, for this reason. */
  const turn = shallowRef<{ why: Turn } | null>(null);
  const takeover = useTakeover({
    session,
    signalling: channel,
    connect: () => void connect(),
    chooseBeside: async () => {
      await link.choose({ beside: true });
      otherAngle();
    },
    ready: (why) => {
      link.keepFresh(false);
      phase.value = 'ready';
      if (why) turn.value = { why };
    },
    failed: (error) => fail(error),
  });

  const confirmed = computed(
    () => angle.value?.status === 'recording' && angle.value.producers.some(({ producerId }) => sender.producerIds().includes(producerId)),
  );
  const state = computed<CaptureState>(() => {
    if (phase.value !== 'sending') return phase.value;
    if (!sender.connected.value) return sender.everConnected.value ? 'reconnecting' : 'connecting';
    return confirmed.value ? 'recording' : 'live';
  });

  function fail(error: unknown): void {
    problem.value = errorKey(error);
    if (!(error instanceof ApiFailure)) return;
    if (error.code === 'gone' && error.field === 'operationId') finish();
    if (error.field === 'taken') toChoice();
    if (error.field === 'in-use') void toInUse();
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
    const { angleId, angles, inUse } = session.value ?? {};
    if (inUse && angleId) await toInUse();
    else if (angles && angles.find((each) => each.angleId === angleId)?.state !== 'mine') toChoice();
    else phase.value = 'ready';
  }

  /** Whose link is for the whole operation says which angle it films. */
  function toChoice(): void {
    stopSending();
    if (takeover.state.value === 'asking') void takeover.cancel();
    takeover.close();
    phase.value = 'choosing';
    link.keepFresh(true);
  }
  async function choose(choice: AngleChoice): Promise<void> {
    problem.value = null;
    try {
      await link.choose(choice);
      otherAngle();
      if (session.value?.inUse) return await toInUse();
      link.keepFresh(false);
      phase.value = 'ready';
    } catch (error) {
      fail(error);
    }
  }
  function otherAngle(): void {
    channel.value?.close(); // its token is for the angle before
    channel.value = null;
    angle.value = null;
  }

  /** Another device films this angle. It may stop meanwhile, so that the hub is asked again and again. */
  async function toInUse(): Promise<void> {
    stopSending();
    problem.value = null;
    phase.value = 'in-use';
    takeover.open();
    link.keepFresh(true);
    await link.refresh().catch(() => undefined); // the next one may come through
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
    problem.value = null;
    phase.value = 'sending';
    sender.begin(measuredBps);
    backoffMs = 500;
    if (connect()) void join();
  }

  /** Signalling, there from now on. Whether it is connected already: else it joins when it is. */
  function connect(): boolean {
    const signalling = (channel.value ??= newSignalling());
    if (!signalling.socket.connected) signalling.connect();
    return signalling.socket.connected;
  }

  function newSignalling(): Signalling<CaptureRequests> {
    const made = new Signalling<CaptureRequests>('/capture', freshToken);
    made.socket.on('connect', () => {
      void join();
      void takeover.askNow();
    });
    made.on('takeover', takeover.heard);
    made.on('angle', ({ state: told }) => {
      angle.value = told;
    });
    made.on('peer-closed', () => {
      sender.lost();
      again();
    });
    made.on('dismissed', ({ reason, device }) => {
      stopSending();
      takeover.close();
      if (reason === 'operation-ended') finish();
      else {
        phase.value = 'stopped';
        problem.value = { key: `error.${reason}`, params: { device: device ?? '' } };
      }
      made.close();
      channel.value = null;
    });
    return made;
  }

  /** Say who we are; carry on where the media plane still knows us, else send anew. */
  async function join(): Promise<void> {
    const signalling = channel.value;
    if (!signalling || phase.value !== 'sending' || joining) return;
    joining = true;
    try {
      const joined = await signalling.request('join', { peerId });
      angle.value = joined.angle;
      joinedNotes.value = joined;
      if (sender.alive(joined)) sender.checkPath();
      else await sender.publish(signalling, joined.rtpCapabilities);
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

  function again(): void {
    if (phase.value !== 'sending') return;
    setTimeout(() => void join(), backoffMs);
    backoffMs = Math.min(MAX_BACKOFF_MS, backoffMs * 2);
  }

  async function stop(): Promise<void> {
    phase.value = 'stopped';
    await tellStop(channel.value, peerId).catch(() => undefined); // the transport's end says it too, without its reason
    stopSending();
  }

  function stopSending(): void {
    stopClock();
    sender.end();
  }

  function finish(): void {
    phase.value = 'ended';
    stopSending();
    camera.close();
  }

  onScopeDispose(() => {
    stopSending();
    channel.value?.close();
  });

  return {
    session,
    angle,
    line: { session, channel, joinedNotes, readMs },
    state,
    problem,
    cameraProblem: camera.problem,
    stream: camera.stream,
    muted: sender.muted,
    look: sender.look,
    cameraDead: sender.cameraDead,
    lines: camera.lines,
    nowMs,
    open,
    choose,
    takeover,
    turn,
    toChoice,
    start,
    stop,
    ...sender.controls,
  };
}
