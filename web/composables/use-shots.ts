import { ref, shallowRef } from 'vue';
import { useI18n } from 'vue-i18n';
import { OperationShots, type OperationShot, type ShotItem } from '../../server/protocol/shots.ts';
import { api } from './api.ts';

/** An operation's shot list at this address of the API, as the hub last told it, by whichever way. */
export function useShots(path: string) {
  const list = shallowRef<OperationShots | null>(null);
  const failure = ref<unknown>(null);
  let told = 0;

  /** Of two answers that crossed, the one that was read later counts. */
  function take(next: OperationShots): void {
    told += 1;
    if (next.readMs >= (list.value?.readMs ?? 0)) list.value = next;
  }

  async function load(): Promise<void> {
    const before = told;
    try {
      const next = await api(OperationShots, 'GET', path);
      // nothing was told meanwhile: so it is, also where the hub's clock was set back over a restart
      if (before === told) list.value = next;
      else take(next);
      failure.value = null;
    } catch (error) {
      failure.value = error;
    }
  }

  const ask = async (method: 'POST' | 'DELETE', shotId: string, body?: object): Promise<void> =>
    take(await api(OperationShots, method, `${path}/${shotId}/tick`, body));
  return {
    list,
    failure,
    take,
    load,
    tick: (shotId: string, where: { angleId?: string; atMs: number }) => ask('POST', shotId, where),
    untick: (shotId: string) => ask('DELETE', shotId),
  };
}

/** How many of them are filmed. */
export const filmedOf = (shots: OperationShot[]): number => shots.filter(({ tick }) => tick !== null).length;

/** What somebody asks to be filmed next: an item of the list in the reader's language, else as it was written. */
export const askedText = (asked: string, shots: OperationShot[], text: (item: ShotItem) => string): string => {
  const item = shots.find(({ zh }) => zh === asked);
  return item ? text(item) : asked;
};

/** An item in the reader's language. */
export function useShotText(): (item: ShotItem) => string {
  const { locale } = useI18n();
  return ({ zh, en }) => (locale.value === 'en' ? en : zh);
}
