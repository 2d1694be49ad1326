import { getCurrentScope, onScopeDispose, ref, type Ref, type ShallowRef, shallowRef, watch } from 'vue';
import type { z } from 'zod';
import { afterConflict, api, ApiFailure } from './api.ts';

export type Fetched<T> = { data: ShallowRef<T | null>; failure: Ref<unknown>; loading: Ref<boolean>; load: () => Promise<void> };

/**
 * What an address of the API answers, fetched now and whenever the address changes (`waitMs` after the last change, for what is
 * typed), and again when its page comes into view once more or the hub has refused something because it stands otherwise.
 * `data` stays until the next answer; of several answers only the one to the newest question counts.
 */
export function useFetched<S extends z.ZodType>(schema: S, path: () => string, waitMs = 0): Fetched<z.infer<S>> {
  const data: ShallowRef<z.infer<S> | null> = shallowRef(null);
  const failure = ref<unknown>(null);
  const loading = ref(false);
  let newest = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function load(): Promise<void> {
    clearTimeout(timer);
    const mine = (newest += 1);
    loading.value = true;
    try {
      const answer = await api(schema, 'GET', path());
      if (mine !== newest) return;
      // what is the same is left alone, and whoever types into it
      if (JSON.stringify(answer) !== JSON.stringify(data.value)) data.value = answer;
      failure.value = null;
    } catch (error) {
      // what is shown is older than a sign-in that has ended, which is asked for over it
      const signedOut = data.value !== null && error instanceof ApiFailure && error.code === 'unauthorized';
      if (mine === newest && !signedOut) failure.value = error;
    }
    if (mine === newest) loading.value = false;
  }
  watch(path, () => {
    clearTimeout(timer);
    timer = setTimeout(() => void load(), waitMs);
  });
  void load();
  if (!getCurrentScope()) return { data, failure, loading, load };
  const look = (): void => void (document.visibilityState === 'visible' && !loading.value && load());
  const stop = afterConflict(() => void load());
  document.addEventListener('visibilitychange', look);
  onScopeDispose(() => {
    clearTimeout(timer);
    stop();
    document.removeEventListener('visibilitychange', look);
  });
  return { data, failure, loading, load };
}
