import { onScopeDispose, ref, shallowRef } from 'vue';
import type { Hidden } from './use-capture-marks.ts';

/** A phone that switches between windows of the same app is hidden for a moment. */
const NOTICED_MS = 500;

/**
 * When the page was in the background while it filmed: another app, a call, the screen off. `last` is the time itself, once it
 * is over; `shown` until the officer has been told.
 */
export function useBackground(readMs: () => number, active: () => boolean) {
  const last = shallowRef<Hidden | null>(null);
  const shown = ref(false);
  let since: { hubMs: number; wallMs: number } | null = null;

  function changed(): void {
    if (document.visibilityState === 'hidden') {
      if (active()) since ??= { hubMs: readMs(), wallMs: Date.now() };
      return;
    }
    if (!since) return;
    // the monotonic clock stands still while some phones sleep
    const forMs = Math.max(0, Date.now() - since.wallMs);
    if (forMs >= NOTICED_MS) {
      last.value = { fromMs: since.hubMs, toMs: since.hubMs + forMs };
      shown.value = true;
    }
    since = null;
  }
  document.addEventListener('visibilitychange', changed);
  onScopeDispose(() => document.removeEventListener('visibilitychange', changed));
  return { last, shown };
}
