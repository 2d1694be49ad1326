import { computed, onScopeDispose, reactive, ref, type ShallowRef, watch } from 'vue';
import { ApiError, Still } from '../../server/protocol/http.ts';
import { newPeerId } from '../media/signalling.ts';
import { takeStill } from '../media/take-still.ts';
import { ApiFailure } from './api.ts';
import type { CaptureLine } from './use-capture-marks.ts';
import { type KeptStill, StillStore } from './still-store.ts';

export type StillState = { stillId: string; atMs: number; state: 'taking' | 'waiting' | 'sent' | 'failed'; size: string };

const SEND_MS = 60_000;
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 15_000;
/** With any other refusal it is sent again. */
const isFinal = (error: unknown): boolean =>
  error instanceof ApiFailure && (error.code === 'gone' || (error.code === 'bad_request' && error.field !== 'sha256'));

/** Takes pictures and brings them to the hub: one after the other, however long the network is away. */
export function useCaptureStills({ session, channel, readMs }: CaptureLine, stream: ShallowRef<MediaStream | null>) {
  const store = new StillStore();
  const queue: KeptStill[] = [];
  const states = reactive(new Map<string, StillState>());
  const busy = ref(false);
  let sending = false;
  let retryMs = FIRST_RETRY_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;

  watch(
    () => session.value && `${session.value.operationId}/${session.value.angleId}`,
    async (owner) => {
      if (!owner) return;
      for (const kept of await store.all(owner)) if (!states.has(kept.stillId)) enqueue(kept, '');
    },
    { immediate: true },
  );
  watch(channel, (made) => made?.socket.on('connect', flush), { immediate: true, flush: 'sync' });
  window.addEventListener('online', flush);
  onScopeDispose(() => {
    window.removeEventListener('online', flush);
    clearTimeout(timer);
  });

  async function take(): Promise<void> {
    if (busy.value || !stream.value || !session.value) return;
    busy.value = true;
    const { operationId, angleId } = session.value;
    const made = { stillId: newPeerId(), atMs: readMs() };
    states.set(made.stillId, { ...made, state: 'taking', size: '' });
    navigator.vibrate?.(40);
    try {
      const blob = await takeStill(stream.value);
      const bytes = await blob.arrayBuffer();
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
      const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      const kept = { ...made, owner: `${operationId}/${angleId}`, sha256, type: blob.type, bytes };
      await store.put(kept);
      enqueue(kept, '');
    } catch {
      states.set(made.stillId, { ...made, state: 'failed', size: '' });
    } finally {
      busy.value = false;
    }
  }

  function enqueue(kept: KeptStill, size: string): void {
    queue.push(kept);
    states.set(kept.stillId, { stillId: kept.stillId, atMs: kept.atMs, state: 'waiting', size });
    flush();
  }
  function flush(): void {
    clearTimeout(timer);
    void sendAll();
  }

  async function sendAll(): Promise<void> {
    if (sending) return;
    sending = true;
    try {
      for (let [kept] = queue; kept; [kept] = queue) {
        const { stillId, atMs } = kept;
        try {
          const { width, height } = await send(kept);
          states.set(stillId, { stillId, atMs, state: 'sent', size: `${width}×${height}` });
        } catch (error) {
          if (!isFinal(error)) {
            timer = setTimeout(flush, retryMs);
            retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
            return;
          }
          states.set(stillId, { stillId, atMs, state: 'failed', size: '' });
        }
        retryMs = FIRST_RETRY_MS;
        queue.shift();
        await store.remove(stillId);
      }
    } finally {
      sending = false;
    }
  }

  /** The newest, and how many have not arrived. */
  const latest = computed(() => [...states.values()].at(-1) ?? null);
  const waiting = computed(() => [...states.values()].filter(({ state }) => state === 'waiting').length);
  return { take, busy, latest, waiting };
}

async function send({ stillId, owner, atMs, sha256, type, bytes }: KeptStill): Promise<Still> {
  const query = new URLSearchParams({ stillId, angleId: owner.split('/')[1] ?? '', atMs: String(atMs), sha256 });
  const init = { method: 'POST', body: bytes, headers: { 'content-type': type }, signal: AbortSignal.timeout(SEND_MS) };
  const response = await fetch(`/api/capture/stills?${query.toString()}`, { ...init, credentials: 'same-origin' }).catch(() => {
    throw new ApiFailure('network', 'the hub cannot be reached');
  });
  const value: unknown = await response.json().catch(() => null);
  if (response.ok) return Still.parse(value);
  const refused = ApiError.safeParse(value);
  throw refused.success
    ? new ApiFailure(refused.data.code, refused.data.message, refused.data.field)
    : new ApiFailure('internal', `status ${response.status}`);
}
