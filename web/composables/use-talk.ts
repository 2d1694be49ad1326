import { computed, onMounted, onScopeDispose, onUnmounted, ref, type Ref, shallowRef } from 'vue';
import type { Talk } from '../../server/protocol/http.ts';
import type { Talker } from '../media/talker.ts';
import { errorKey } from './api.ts';

/** After the button is let go the far side's sound still comes back for so long. */
const TAIL_MS = 600;

/**
 * Push to talk. `state`: `opening` until the hub records, `waiting` until a phone plays it, then `speaking`. `told` is who
 * speaks by the hub's word, which may be another commander.
 */
export function useTalk(talker: Talker, told: Ref<Talk | null>) {
  const mine = ref<string | null>(null);
  const held = ref(false);
  const problem = shallowRef<{ key: string; params: Record<string, string> } | null>(null);
  const quiet = ref(false);
  let tail: ReturnType<typeof setTimeout> | undefined;
  let work: Promise<void> = Promise.resolve();
  let beeped = '';
  let audio: AudioContext | null = null;

  const state = computed<'idle' | 'opening' | 'waiting' | 'speaking' | 'busy'>(() => {
    if (!held.value) return told.value ? 'busy' : 'idle';
    if (mine.value === null) return 'opening';
    if (told.value?.talkId !== mine.value) return 'opening';
    return told.value.heard.length > 0 ? 'speaking' : 'waiting';
  });

  function press(angleId: string | null): void {
    if (held.value) return;
    held.value = true;
    problem.value = null;
    clearTimeout(tail);
    quiet.value = true;
    work = work.then(async () => {
      await talker.joined;
      if (!held.value) return;
      try {
        mine.value = await talker.start(angleId);
      } catch (error) {
        problem.value =
          error instanceof Error && error.name === 'NotAllowedError' ? { key: 'talk.noMicrophone', params: {} } : refusal(error);
        release();
      }
    });
  }

  function release(): void {
    if (!held.value) return;
    held.value = false;
    tail = setTimeout(() => (quiet.value = false), TAIL_MS);
    work = work.then(async () => {
      mine.value = null;
      await talker.stop().catch(() => undefined); // the hub ends it by itself when the way is gone
    });
  }

  /** The hub says who speaks. Ours is over when it says so, and heard when it says so: then a beep says go ahead. */
  function hear(talk: Talk | null): void {
    const was = told.value?.talkId;
    told.value = talk;
    if (held.value && mine.value !== null && was === mine.value && talk?.talkId !== mine.value) {
      problem.value = { key: 'talk.tooLong', params: {} };
      release();
    }
    if (talk && talk.talkId === mine.value && talk.heard.length > 0 && beeped !== talk.talkId) {
      beeped = talk.talkId;
      beep();
    }
  }

  function beep(): void {
    audio ??= new AudioContext();
    const tone = audio.createOscillator();
    const gain = audio.createGain();
    tone.frequency.value = 1200;
    gain.gain.value = 0.15;
    tone.connect(gain).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.12);
  }

  // a window that loses the focus hears no key let go
  onMounted(() => window.addEventListener('blur', release));
  onUnmounted(() => window.removeEventListener('blur', release));
  onScopeDispose(() => {
    clearTimeout(tail);
    talker.close();
    void audio?.close();
  });
  return { state, problem, quiet, press, release, hear };
}

function refusal(error: unknown): { key: string; params: Record<string, string> } {
  const { key, params } = errorKey(error);
  return key === 'error.conflict' ? { key: 'talk.busy', params } : { key, params };
}
