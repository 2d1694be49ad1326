/** What the phone's own parts can be asked. */

type Battery = { level: number; charging: boolean };

/** Chromium alone tells; iOS and Firefox do not. */
export async function readBattery(): Promise<{ percent: number; charging: boolean } | 'unavailable'> {
  const { getBattery } = navigator as Navigator & { getBattery?: () => Promise<Battery> };
  const battery = await getBattery?.call(navigator).catch(() => null);
  return battery ? { percent: Math.round(battery.level * 100), charging: battery.charging } : 'unavailable';
}

/** What the browser lets this page store (Safari from 17 on), which is less than what is free. */
export async function readStorage(): Promise<{ freeBytes: number } | 'unavailable'> {
  // beyond HTTPS, and in older browsers, there is none
  const storage = navigator.storage as StorageManager | undefined;
  const estimate = await storage?.estimate?.().catch(() => null);
  if (estimate?.quota === undefined) return 'unavailable';
  return { freeBytes: Math.max(0, estimate.quota - (estimate.usage ?? 0)) };
}

/** Whether a picture of the camera reaches the screen by then; the flags of a track do not say. */
export async function pictureSeen(video: HTMLVideoElement, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), withinMs);
    const seen = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(seen);
    else (video as HTMLVideoElement).addEventListener('timeupdate', seen, { once: true });
  });
}

/** Quieter than this, −80 dB, is no room: the microphone is covered, or off. */
const SILENCE = 1e-4;
const LOOK_MS = 60;

/** Whether the microphone hears anything; null where the browser lets nobody listen before a tap (iOS). */
export async function listenFor(track: MediaStreamTrack, withinMs: number): Promise<boolean | null> {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 2048;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const untilMs = performance.now() + withinMs;
  let heard = false;
  while (!heard && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    analyser.getFloatTimeDomainData(samples);
    heard = samples.some((sample) => Math.abs(sample) > SILENCE);
  }
  const running = context.state === 'running';
  await context.close();
  return heard || (running ? false : null);
}
