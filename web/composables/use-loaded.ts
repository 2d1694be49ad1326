import { onMounted, ref, type ShallowRef, shallowRef } from 'vue';
import type { z } from 'zod';
import { api } from './api.ts';

/** What one address of the API answers, fetched when the page shows: null until then; `failure` is the last try's. */
export function useLoaded<T extends z.ZodType>(schema: T, path: string) {
  const data: ShallowRef<z.infer<T> | null> = shallowRef(null);
  const failure = ref<unknown>(null);
  async function load(): Promise<void> {
    try {
      data.value = await api(schema, 'GET', path);
      failure.value = null;
    } catch (error) {
      failure.value = error;
    }
  }
  onMounted(load);
  return { data, failure, load };
}
