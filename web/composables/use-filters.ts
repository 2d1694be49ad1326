import { reactive, watch } from 'vue';
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

/** As the query of an address; what is empty is left out. */
export function queryOf(values: Record<string, string | number | undefined>): string {
  const said = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  const query = new URLSearchParams(said.map(([name, value]) => [name, String(value)]));
  return said.length === 0 ? '' : `?${query}`;
}
