import { computed, type ComputedRef } from 'vue';
import { Squads, type Squad } from '../../server/protocol/people.ts';
import { useFetched } from './use-fetched.ts';
import { useSession } from './use-session.ts';

/** All squads, for those who may know them; nobody else is asked for, nor offered a choice. */
export function useSquads(): ComputedRef<Squad[]> {
  if (!useSession().may('people.see')) return computed(() => []);
  const { data } = useFetched(Squads, () => '/squads');
  return computed(() => data.value?.squads ?? []);
}
