import { computed, reactive, watch, type WritableComputedRef } from 'vue';
import { useRoute, useRouter } from 'vue-router';

/** The filters of a list, in the page's address: a reload, the way back and a link keep them, and lead to them. All are texts, empty for none. */
export function useFilters<T extends Record<string, string>>(start: T): T {
  const route = useRoute();
  const router = useRouter();
  const { path } = route;
  const filters = reactive({ ...start }) as T;
  const told = (name: string): string => {
    const value = route.query[name];
    return typeof value === 'string' ? value : (start[name] ?? '');
  };
  const take = (): void => void Object.assign(filters, Object.fromEntries(Object.keys(start).map((name) => [name, told(name)])));
  take();
  /** Changes of the address that say what the filters say already, which may have changed again meanwhile. */
  let own = 0;
  watch(filters, () => {
    if (route.path !== path || Object.keys(start).every((name) => told(name) === filters[name])) return;
    const said = Object.entries(filters).filter(([name, value]) => value !== start[name]);
    own += 1;
    void router.replace({ path, query: Object.fromEntries(said) }).finally(() => (own -= 1));
  });
  watch(
    () => route.query,
    () => own === 0 && route.path === path && take(),
    { flush: 'sync' },
  );
  return filters;
}

/** The page of a list that these filters narrow, from 1: whatever else of them changes, the list begins anew. */
export function usePage(filters: { page: string }): WritableComputedRef<number> {
  const page = computed({ get: () => Math.max(1, Number(filters.page) || 1), set: (next) => (filters.page = String(next)) });
  watch(
    () => [JSON.stringify({ ...filters, page: '' }), filters.page],
    // an address may name another page too
    ([rest, at], [before, was]) => rest !== before && at === was && (page.value = 1),
  );
  return page;
}

/** As the query of an address; what is empty is left out. */
export function queryOf(values: Record<string, string | number | undefined>): string {
  const said = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  const query = new URLSearchParams(said.map(([name, value]): [string, string] => [name, String(value)]));
  return said.length === 0 ? '' : `?${query}`;
}
