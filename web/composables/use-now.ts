import { onScopeDispose, ref, type Ref } from 'vue';

/** A page's clock that was measured is better than one reading of the hub's, unless it went wrong since: the device slept, say. */
const TRUSTED_MS = 2000;

export type Now = {
  nowMs: Ref<number>;
  /** Hub time at this very moment. */
  readMs: () => number;
  /** Tie it to a reading of the hub's clock, which is late by its way here. */
  sync: (hubTimeMs: number) => void;
  /** Tie it to a measure by NTP's exchange: the page's clock less hub time. */
  correct: (offsetMs: number) => void;
};

/** Hub time, four times a second, and at any moment. */
export function useNow(): Now {
  let offsetMs = 0;
  let measured = false;
  const readMs = (): number => performance.timeOrigin + performance.now() + offsetMs;
  const nowMs = ref(Date.now());
  const timer = setInterval(() => {
    nowMs.value = readMs();
  }, 250);
  onScopeDispose(() => clearInterval(timer));
  return {
    nowMs,
    readMs,
    sync: (hubTimeMs) => {
      if (measured && Math.abs(hubTimeMs - readMs()) < TRUSTED_MS) return;
      offsetMs += hubTimeMs - readMs();
      nowMs.value = hubTimeMs;
    },
    correct: (pageLessHubMs) => {
      offsetMs = -pageLessHubMs;
      measured = true;
    },
  };
}
