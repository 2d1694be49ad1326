import { onScopeDispose, ref, watch } from 'vue';

/** Two tones a second apart, every two seconds: heard over a room, and no ring tone. */
const EVERY_MS = 2000;
const TONES_HZ = [880, 660];
const TONE_S = 0.35;

/**
 * Sounds for as long as something is wrong. Browsers allow it only after somebody has touched the page: until then `state`
 * says `refused`, and the first touch or key starts it.
 */
export function useSiren(wrong: () => boolean) {
  const state = ref<'silent' | 'sounding' | 'refused' | 'muted'>('silent');
  const muted = ref(false);
  let audio: AudioContext | null = null;
  let timer: ReturnType<typeof setInterval> | undefined;

  function allow(): void {
    if (!audio || audio.state === 'running') return;
    void audio.resume().then(sound);
  }
  function sound(): void {
    if (!wrong() || muted.value) return;
    audio ??= new AudioContext();
    const { currentTime, destination } = audio;
    state.value = audio.state === 'running' ? 'sounding' : 'refused';
    if (audio.state !== 'running') {
      void audio.resume(); // stays pending until the page may
      return;
    }
    TONES_HZ.forEach((hz, i) => {
      if (!audio) return;
      const tone = audio.createOscillator();
      const gain = audio.createGain();
      tone.type = 'square';
      tone.frequency.value = hz;
      gain.gain.value = 0.25;
      tone.connect(gain).connect(destination);
      tone.start(currentTime + i * TONE_S);
      tone.stop(currentTime + (i + 1) * TONE_S);
    });
  }
  watch(
    [wrong, muted],
    ([is, quiet]) => {
      clearInterval(timer);
      if (!is) muted.value = false; // the next one is heard
      state.value = is ? (quiet ? 'muted' : state.value) : 'silent';
      if (!is || quiet) return;
      sound();
      timer = setInterval(sound, EVERY_MS);
    },
    { immediate: true },
  );
  window.addEventListener('pointerdown', allow);
  window.addEventListener('keydown', allow);
  onScopeDispose(() => {
    clearInterval(timer);
    window.removeEventListener('pointerdown', allow);
    window.removeEventListener('keydown', allow);
    void audio?.close();
  });
  return { state, muted };
}
