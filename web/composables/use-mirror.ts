import { computed, onScopeDispose, type Ref, ref, shallowRef } from 'vue';
import { Mirror } from '../media/mirror.ts';
import { secondsLeft } from './format.ts';
import type { CaptureLine } from './use-capture-marks.ts';

/** It costs network and battery, and whoever films has something else to look at. */
const SHOWN_MS = 15_000;
/** As large as a phone shows it: a middle tile of the console. */
const HEIGHT_PX = 360;

/** What a commander sees of this phone's picture, for a while; `nowMs`: a clock that ticks. */
export function useMirror({ channel, joinedNotes }: CaptureLine, nowMs: Ref<number>) {
  const state = ref<'closed' | 'coming' | 'shown' | 'failed'>('closed');
  const stream = shallowRef<MediaStream>();
  const untilMs = ref(0);
  let mirror: Mirror | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function open(): Promise<void> {
    const { rtpCapabilities } = joinedNotes.value;
    if (!channel.value || !rtpCapabilities) return;
    close();
    const mine = new Mirror(channel.value);
    mirror = mine;
    state.value = 'coming';
    untilMs.value = nowMs.value + SHOWN_MS;
    timer = setTimeout(close, SHOWN_MS);
    const got = await mine.open(rtpCapabilities, HEIGHT_PX).catch((error: unknown) => {
      console.warn('own picture not received', error);
      return null;
    });
    if (mirror !== mine) return;
    stream.value = got ?? undefined;
    state.value = got ? 'shown' : 'failed';
  }

  function close(): void {
    clearTimeout(timer);
    mirror?.close();
    mirror = null;
    stream.value = undefined;
    state.value = 'closed';
  }

  onScopeDispose(close);
  return { state, stream, leftS: computed(() => secondsLeft(untilMs.value, nowMs.value)), open, close };
}
