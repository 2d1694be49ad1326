import { getCurrentScope, onScopeDispose, ref, type Ref, type ShallowRef, shallowRef, watch } from 'vue';
import type { z } from 'zod';
import { api } from './api.ts';

export type Fetched<T> = { data: ShallowRef<T | null>; failure: Ref<unknown>; loading: Ref<boolean>; load: () => Promise<void> };

/**
 * What an address of the API answers, fetched now and whenever the address changes (`waitMs` after the last change, for what is
 * typed). `data` stays until the next answer; of several answers only the one to the newest question counts.
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
      data.value = answer;
      failure.value = null;
    } catch (error) {
      if (mine === newest) failure.value = error;
    }
    if (mine === newest) loading.value = false;
  }
  watch(path, () => {
    clearTimeout(timer);
    timer = setTimeout(() => void load(), waitMs);
  });
  void load();
  if (getCurrentScope()) onScopeDispose(() => clearTimeout(timer));
  return { data, failure, loading, load };
}
