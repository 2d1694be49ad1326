import { onScopeDispose, ref, type ShallowRef, watch } from 'vue';

type Battery = EventTarget & { level: number };

/** What the phone itself can tell and do: wake lock, battery, loudness. */
export function useDevice(stream: ShallowRef<MediaStream | null>, active: () => boolean) {
  const battery = ref<number | null>(null);
  const level = ref(0);
  let lock: WakeLockSentinel | null = null;
  let audio: { context: AudioContext; timer: ReturnType<typeof setInterval> } | null = null;

  async function keepAwake(): Promise<void> {
    if (!active() || document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return;
    lock = await navigator.wakeLock.request('screen').catch(() => null); // low battery refuses it
    if (!active()) void lock?.release(); // it has stopped meanwhile
  }
  function visibility(): void {
    void keepAwake();
  }
  function leaving(event: BeforeUnloadEvent): void {
    if (active()) event.preventDefault();
  }
  document.addEventListener('visibilitychange', visibility);
  window.addEventListener('beforeunload', leaving);
  watch(active, (now) => {
    if (now) void keepAwake();
    else void lock?.release();
  });

  const getBattery = (navigator as Navigator & { getBattery?: () => Promise<Battery> }).getBattery;
  void getBattery?.call(navigator).then((found) => {
    const read = (): void => void (battery.value = Math.round(found.level * 100));
    read();
    found.addEventListener('levelchange', read);
  });

  watch(stream, (next) => {
    stopMeter();
    const [track] = next?.getAudioTracks() ?? [];
    if (!track) return;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 512;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const timer = setInterval(() => {
      if (context.state === 'suspended') void context.resume();
      analyser.getFloatTimeDomainData(samples);
      const rms = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
      // −60 dB … 0 dB on 0 … 1
      level.value = Math.max(0, Math.min(1, 1 + (20 * Math.log10(rms + 1e-6)) / 60));
    }, 150);
    audio = { context, timer };
  });
  function stopMeter(): void {
    if (!audio) return;
    clearInterval(audio.timer);
    void audio.context.close();
    audio = null;
  }
  onScopeDispose(() => {
    document.removeEventListener('visibilitychange', visibility);
    window.removeEventListener('beforeunload', leaving);
    stopMeter();
    void lock?.release();
  });

  return { battery, level };
}
