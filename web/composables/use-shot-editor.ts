import { computed, ref, watch } from 'vue';
import type { OperationType } from '../../server/protocol/cases.ts';
import { type ShotItem, ShotList, ShotListEditions } from '../../server/protocol/shots.ts';
import { api, ApiFailure } from './api.ts';
import { useDraft } from './use-draft.ts';

export type ShotProblem = { key: string; params: Record<string, string | number> };

/** What keeps a list from being saved, by the first item that is wrong; null when nothing does. */
export function problemOf(items: ShotItem[]): ShotProblem | null {
  if (items.length === 0) return { key: 'shotLists.none', params: {} };
  const words = items.map(({ zh }) => zh.trim());
  for (const [at, { en }] of items.entries()) {
    if (words[at] === '' || en.trim() === '') return { key: 'shotLists.missing', params: { n: at + 1 } };
    if (words.indexOf(words[at] ?? '') < at) return { key: 'shotLists.twice', params: { n: at + 1 } };
  }
  return null;
}

/** One list in the making, from its latest edition. What is typed is kept in this tab until it is saved. */
export function useShotEditor(type: OperationType, told: ShotListEditions) {
  const editions = ref(told.editions);
  const latest = computed(() => editions.value[0]);
  const start = { edition: latest.value?.edition ?? 0, items: latest.value?.items ?? [] };
  const draft = useDraft(`shot-list.${type}`, start, { asOne: true });
  const { form } = draft;
  /** Somebody has saved another edition since the one that this was made from. */
  const outdated = computed(() => (latest.value && latest.value.edition > form.edition ? latest.value : null));
  const changed = computed(() => JSON.stringify(form.items) !== JSON.stringify(latest.value?.items));
  // nothing was typed: what it is made from is simply the latest
  watch(changed, (now) => !now && latest.value && (form.edition = latest.value.edition), { immediate: true });

  function move(at: number, by: -1 | 1): void {
    const [item] = form.items.splice(at, 1);
    if (item) form.items.splice(at + by, 0, item);
  }
  function useNewer(): void {
    if (!latest.value) return;
    form.items = latest.value.items.map((item) => ({ ...item }));
    form.edition = latest.value.edition;
  }
  async function refresh(): Promise<void> {
    editions.value = (await api(ShotListEditions, 'GET', `/shot-lists/${type}`)).editions;
  }
  /** Throws ApiFailure. */
  async function save(): Promise<ShotList> {
    const items = form.items.map(({ zh, en }) => ({ zh: zh.trim(), en: en.trim() }));
    try {
      const made = await api(ShotList, 'PUT', `/shot-lists/${type}`, { edition: form.edition, items });
      editions.value = [made, ...editions.value];
      useNewer();
      draft.saved();
      return made;
    } catch (error) {
      if (error instanceof ApiFailure && error.field === 'edition') await refresh();
      throw error;
    }
  }
  return {
    form,
    restored: draft.restored,
    discard: useNewer,
    editions,
    latest,
    outdated,
    changed,
    move,
    useNewer,
    keepMine: () => (form.edition = latest.value?.edition ?? form.edition),
    save,
  };
}
