import { onScopeDispose, ref, type Ref } from 'vue';

/** Hub time, four times a second. `sync` ties it to a reading of the hub's clock. */
export function useNow(): { nowMs: Ref<number>; sync: (hubTimeMs: number) => void } {
  let offsetMs = 0;
  const nowMs = ref(Date.now());
  const timer = setInterval(() => {
    nowMs.value = performance.timeOrigin + performance.now() + offsetMs;
  }, 250);
  onScopeDispose(() => clearInterval(timer));
  return {
    nowMs,
    sync: (hubTimeMs) => {
      offsetMs = hubTimeMs - (performance.timeOrigin + performance.now());
      nowMs.value = hubTimeMs;
    },
  };
}
