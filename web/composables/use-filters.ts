import { computed, reactive, watch, type WritableComputedRef } from 'vue';
import { useRoute, useRouter } from 'vue-router';

/** The filters of a list, in the page's address: a reload, the way back and a link keep them. All are texts, empty for none. */
export function useFilters<T extends Record<string, string>>(start: T): T {
  const route = useRoute();
  const router = useRouter();
  const filters = reactive({ ...start }) as T;
  for (const name of Object.keys(start)) {
    const told = route.query[name];
    if (typeof told === 'string') Object.assign(filters, { [name]: told });
  }
  watch(filters, () => {
    const said = Object.entries(filters).filter(([name, value]) => value !== start[name]);
    void router.replace({ path: route.path, query: Object.fromEntries(said) });
  });
  return filters;
}

/** The page of a list that these filters narrow, from 1: whatever else of them changes, the list begins anew. */
export function usePage(filters: { page: string }): WritableComputedRef<number> {
  const page = computed({ get: () => Math.max(1, Number(filters.page) || 1), set: (next) => (filters.page = String(next)) });
  watch(
    () => JSON.stringify({ ...filters, page: '' }),
    () => (page.value = 1),
  );
  return page;
}

/** As the query of an address; what is empty is left out. */
export function queryOf(values: Record<string, string | number | undefined>): string {
  const said = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  const query = new URLSearchParams(said.map(([name, value]): [string, string] => [name, String(value)]));
  return said.length === 0 ? '' : `?${query}`;
}
