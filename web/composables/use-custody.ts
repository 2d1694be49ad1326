import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue';
import { type CustodyLine, CustodyPage } from '../../server/protocol/custody.ts';
import { api } from './api.ts';
import { queryOf } from './use-filters.ts';

const SIZE = 50;
const TYPING_MS = 300;

export type CustodyFilters = { q: string; what: string; who: string; operation: string; outcome: string; from: string; to: string };

/** A `datetime-local` field's moment in the reader's zone; empty for none. */
function momentOf(local: string, addMs = 0): string {
  const ms = Date.parse(local);
  return Number.isNaN(ms) ? '' : String(ms + addMs);
}

/** The custody log, newest line first, as far back as it was asked for. */
export function useCustody(filters: CustodyFilters) {
  const lines = shallowRef<CustodyLine[] | null>(null);
  const names = shallowRef<ReadonlyMap<string, string>>(new Map());
  const more = ref(false);
  const failure = ref<unknown>(null);
  const loading = ref(false);
  let newest = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  // the minute that was chosen is meant to its end, which itself is not
  const query = computed(() => ({ ...filters, q: filters.q.trim(), from: momentOf(filters.from), to: momentOf(filters.to, 60_000) }));

  async function ask(before: CustodyLine[]): Promise<void> {
    clearTimeout(timer);
    const mine = (newest += 1);
    loading.value = true;
    try {
      const page = await api(CustodyPage, 'GET', `/custody${queryOf({ ...query.value, before: before.at(-1)?.seq, size: SIZE })}`);
      if (mine !== newest) return;
      lines.value = [...before, ...page.lines];
      names.value = new Map([...(before.length > 0 ? names.value : []), ...Object.entries(page.names)]);
      more.value = page.more;
      failure.value = null;
    } catch (error) {
      if (mine === newest) failure.value = error;
    }
    if (mine === newest) loading.value = false;
  }
  const load = (): Promise<void> => ask([]);
  watch(
    () => JSON.stringify(query.value),
    () => {
      clearTimeout(timer);
      timer = setTimeout(() => void load(), TYPING_MS);
    },
  );
  onScopeDispose(() => clearTimeout(timer));
  void load();
  return { lines, names, more, failure, loading, load, older: () => ask(lines.value ?? []) };
}
