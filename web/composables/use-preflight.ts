import { computed, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue';
import { z } from 'zod';
import type { CaptureSession } from '../../server/protocol/capture.ts';
import { ClockReading, judge, PreflightCheck, type PreflightFacts, ProbeResult } from '../../server/protocol/preflight.ts';
import { api, ApiFailure } from './api.ts';
import { listenFor, pictureSeen, readBattery, readStorage } from './device-checks.ts';
import { measureUplink, type Upload } from './uplink.ts';

const ROUNDS = 5;
/** A camera that has just been opened may take its time on a slow phone; the others do not wait for it. */
const PICTURE_MS = 4000;
const LISTEN_MS = 1500;
const KEEP_AGAIN_MS = 3000;
const NOTHING: PreflightFacts = { camera: null, microphone: null, network: null, uplink: null, battery: null, storage: null, clock: null };

/**
 * The check before duty. It begins by itself as soon as there are a camera and a session, takes two to three seconds, and
 * keeps nobody from filming: what has not ended by then is kept as skipped.
 */
export function usePreflight(
  video: Ref<HTMLVideoElement | null>,
  stream: ShallowRef<MediaStream | null>,
  session: ShallowRef<CaptureSession | null>,
) {
  const facts = shallowRef<PreflightFacts>(NOTHING);
  const state = ref<'waiting' | 'running' | 'done'>('waiting');
  const kept = ref<'no' | 'keeping' | 'yes'>('no');
  const checks = computed(() => judge(facts.value));
  const failed = computed(() => checks.value.filter(({ result }) => result === 'fail'));
  let stop = new AbortController();

  async function run(): Promise<void> {
    stop.abort();
    const mine = (stop = new AbortController());
    facts.value = NOTHING;
    state.value = 'running';
    const note = (some: Partial<PreflightFacts>): void => {
      if (!mine.signal.aborted) facts.value = { ...facts.value, ...some };
    };
    const own = [
      seePicture().then((camera) => note({ camera })),
      hear().then((microphone) => note({ microphone })),
      readBattery().then((battery) => note({ battery })),
      readStorage().then((storage) => note({ storage })),
    ];
    await Promise.all([...own, checkNetwork(mine.signal, note)]);
    if (!mine.signal.aborted) state.value = 'done';
  }

  async function seePicture(): Promise<PreflightFacts['camera']> {
    const [track] = stream.value?.getVideoTracks() ?? [];
    if (!track || !video.value) return 'failed';
    const picture = await pictureSeen(video.value, PICTURE_MS);
    const { width = video.value.videoWidth, height = video.value.videoHeight } = track.getSettings();
    return { width, height, picture };
  }
  async function hear(): Promise<PreflightFacts['microphone']> {
    const [track] = stream.value?.getAudioTracks() ?? [];
    return track ? { heard: await listenFor(track, LISTEN_MS) } : 'failed';
  }

  /** Begun: what has not ended is skipped, and its upload is no longer in the recording's way. Kept in the background. */
  async function keep(reason?: string): Promise<void> {
    stop.abort();
    state.value = 'done';
    if (kept.value !== 'no') return;
    kept.value = 'keeping';
    const report = { facts: facts.value, ...(reason === undefined ? {} : { reason }) };
    for (;;) {
      try {
        await api(z.object({ checks: z.array(PreflightCheck) }), 'POST', '/capture/preflight', report);
        kept.value = 'yes';
        return;
      } catch (error) {
        const passing = error instanceof ApiFailure && ['network', 'timeout', 'unavailable', 'too_many', 'internal'].includes(error.code);
        if (!passing) break; // the operation has ended, say
        await new Promise((resolve) => setTimeout(resolve, KEEP_AGAIN_MS));
      }
    }
    kept.value = 'no';
  }

  watch(
    [video, stream, session],
    () => {
      if (state.value === 'waiting' && video.value && stream.value && session.value) void run();
    },
    { immediate: true },
  );

  // another angle is another duty
  watch(
    () => session.value?.angleId,
    () => (kept.value = 'no'),
  );

  return { checks, failed, state, kept, run, keep };
}

/** Round trips and clock by NTP's four timestamps (RFC 5905, section 8), then the uplink on the same connection. */
async function checkNetwork(signal: AbortSignal, note: (some: Partial<PreflightFacts>) => void): Promise<void> {
  const trips: number[] = [];
  let clock: { offsetMs: number; roundTripMs: number } | null = null;
  for (let round = 0; round < ROUNDS && !signal.aborted; round += 1) {
    const t0 = performance.timeOrigin + performance.now();
    const answer = await api(ClockReading, 'GET', '/capture/clock').catch(() => null);
    if (!answer) continue;
    const t3 = performance.timeOrigin + performance.now();
    const roundTripMs = Math.max(0, t3 - t0 - (answer.t2 - answer.t1));
    trips.push(roundTripMs);
    if (!clock || roundTripMs < clock.roundTripMs) clock = { offsetMs: (t0 - answer.t1 + t3 - answer.t2) / 2, roundTripMs };
  }
  trips.sort((one, other) => one - other);
  const roundTripMs = trips[Math.floor(trips.length / 2)];
  if (!clock || roundTripMs === undefined) {
    note({ network: 'failed', clock: 'failed', uplink: 'failed' });
    return;
  }
  note({ clock, network: { roundTripMs, jitterMs: (trips.at(-1) ?? 0) - (trips[0] ?? 0) } });
  const uplink = await measureUplink((bytes, deadlineMs) => upload(bytes, deadlineMs, signal), clock.roundTripMs).catch(
    () => 'failed' as const,
  );
  note({ uplink });
}

/** Null when it has not ended by the deadline. Throws what the network or the hub refuses. */
async function upload(bytes: number, deadlineMs: number, signal: AbortSignal): Promise<Upload | null> {
  const body = new Uint8Array(bytes);
  // 64 KiB at a time is all that getRandomValues gives; random, so that nothing on the way makes it smaller
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(body.subarray(at, at + 65_536));
  // AbortSignal.any is missing before Safari 17.4
  const ended = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    ended.abort();
  }, deadlineMs);
  const given = (): void => ended.abort();
  signal.addEventListener('abort', given);
  const begunMs = performance.now();
  try {
    const response = await fetch('/api/capture/probe', {
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'content-type': 'application/octet-stream' },
      body,
      signal: ended.signal,
    });
    if (!response.ok) throw new ApiFailure('unavailable', `status ${response.status}`);
    const { laterBytes, ms } = ProbeResult.parse(await response.json());
    return { bytes, elapsedMs: performance.now() - begunMs, laterBytes, hubMs: ms };
  } catch (error) {
    if (late) return null;
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', given);
  }
}
