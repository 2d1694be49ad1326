import { computed, onMounted, onScopeDispose, ref, shallowRef, triggerRef } from 'vue';
import { SeenOperation } from '../../server/protocol/http.ts';
import { AnglePlayer } from '../media/angle-player.ts';
import { api } from './api.ts';
import { nextRecorded, type Piece } from './sync-policy.ts';
import { operationsApi } from './use-operations.ts';

const TICK_MS = 100;
const REFRESH_MS = 3000;
/** A player that buffers holds the clock for so long at most. */
const HOLD_MS = 5000;

/** Several angles of one operation, played by one clock in hub time. */
export function useReview(operationId: string) {
  const operation = ref<SeenOperation | null>(null);
  const failure = ref<unknown>(null);
  const players = shallowRef(new Map<string, AnglePlayer>());
  const hubMs = ref(0);
  const playing = ref(false);
  const rate = ref(1);
  let last = performance.now();
  let heldMs = 0;
  let sound: AnglePlayer | null = null;

  async function load(): Promise<void> {
    try {
      operation.value = await api(SeenOperation, 'GET', `/operations/${operationId}`);
      failure.value = null;
    } catch (error) {
      failure.value = error;
    }
  }

  function attach(angleId: string, video: HTMLVideoElement | null): void {
    if (!video || players.value.has(angleId)) return;
    const filmed = (operation.value?.angles.find((angle) => angle.angleId === angleId)?.frames ?? 0) > 0;
    const url = `/hls/${operationId}/${angleId}/index.m3u8${filmed ? '?track=video' : ''}`;
    players.value.set(angleId, new AnglePlayer(video, url, () => triggerRef(players)));
    triggerRef(players);
  }

  /** Sound comes by itself, of one angle at most: a picture must not wait for sound that its sender has muted. */
  function listen(angleId: string | null, element: HTMLVideoElement | null): void {
    sound?.close();
    sound = null;
    if (!element) return;
    element.removeAttribute('src');
    if (angleId === null) return;
    const made = new AnglePlayer(element, `/hls/${operationId}/${angleId}/index.m3u8?track=audio`, () => undefined, true);
    sound = made;
    made.follow(hubMs.value, playing.value ? rate.value : 0);
  }

  const pieces = computed<Piece[][]>(() => [...players.value.values()].map((player) => player.pieces));
  const range = computed(() => {
    const all = pieces.value.flat();
    if (all.length === 0) return null;
    return {
      fromMs: Math.min(...all.map((piece) => piece.hubMs)),
      toMs: Math.max(...all.map((piece) => piece.hubMs + piece.durationS * 1000)),
    };
  });

  function tick(): void {
    const now = performance.now();
    const passedMs = now - last;
    last = now;
    const limits = range.value;
    if (!limits) return;
    if (hubMs.value < limits.fromMs) hubMs.value = limits.fromMs;
    sound?.follow(hubMs.value, playing.value ? rate.value : 0);
    const ready = [...players.value.values()].map((player) => player.follow(hubMs.value, playing.value ? rate.value : 0));
    if (!playing.value) return;
    heldMs = ready.every(Boolean) ? 0 : heldMs + passedMs;
    if (heldMs > 0 && heldMs < HOLD_MS) return;
    let nextMs = hubMs.value + passedMs * rate.value;
    const silent = pieces.value.every(
      (list) => !list.some((piece) => nextMs >= piece.hubMs && nextMs < piece.hubMs + piece.durationS * 1000),
    );
    if (silent) nextMs = Math.min(nextRecorded(pieces.value, nextMs) ?? limits.toMs, nextMs + 1000); // nothing anywhere: run through it ten times as fast
    hubMs.value = Math.min(nextMs, limits.toMs);
    if (hubMs.value >= limits.toMs) playing.value = false;
  }

  function seek(toMs: number): void {
    const limits = range.value;
    if (limits) hubMs.value = Math.max(limits.fromMs, Math.min(limits.toMs - 40, toMs));
  }

  function toggle(): void {
    const limits = range.value;
    if (!playing.value && limits && hubMs.value >= limits.toMs - 60) hubMs.value = limits.fromMs;
    playing.value = !playing.value;
    tick();
  }

  /** A thirtieth of a second: the usual frame. */
  function frame(): void {
    playing.value = false;
    seek(hubMs.value + 1000 / 30);
  }

  const timer = setInterval(tick, TICK_MS);
  const refresh = setInterval(() => {
    if (operation.value?.status === 'live' || !['verified', 'failed'].includes(operation.value?.package.state ?? '')) void load();
  }, REFRESH_MS);
  onMounted(load);
  onScopeDispose(() => {
    clearInterval(timer);
    clearInterval(refresh);
    for (const player of players.value.values()) player.close();
    sound?.close();
  });

  return {
    operation,
    failure,
    players,
    hubMs,
    playing,
    rate,
    range,
    load,
    attach,
    listen,
    seek,
    toggle,
    frame,
    packAgain: () => operationsApi.packAgain(operationId).then(load),
  };
}
