import { onScopeDispose, ref, type ShallowRef, shallowRef } from 'vue';

/** Nobody who types on is asked for. */
const PAUSE_MS = 200;

/**
 * What is looked for as it is typed (`q`): `find` answers, or throws ApiFailure; the newest question counts. `found` is null while
 * nothing is asked, and stays what it was when a search fails (`failure`).
 */
export function useSearch<T>(find: (q: string) => Promise<T>) {
  const q = ref('');
  const found: ShallowRef<T | null> = shallowRef(null);
  const failure = ref<unknown>(null);
  let newest = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function ask(mine: number): Promise<void> {
    try {
      const answer = await find(q.value.trim());
      if (mine !== newest) return;
      found.value = answer;
      failure.value = null;
    } catch (error) {
      if (mine === newest) failure.value = error;
    }
  }
  function look(): void {
    clearTimeout(timer);
    const mine = (newest += 1);
    timer = setTimeout(() => void ask(mine), PAUSE_MS);
  }
  function close(): void {
    clearTimeout(timer);
    newest += 1;
    found.value = null;
    failure.value = null;
  }
  onScopeDispose(close);
  return { q, found, failure, look, close };
}
