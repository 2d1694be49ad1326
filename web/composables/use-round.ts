import { ref, type Ref, watch } from 'vue';
import { isTyped } from './use-draft.ts';

/**
 * The key of a form on a page that is loaded again by itself: counted up when what the form was made from has another version, unless
 * something is typed into it, which then stays. `form`: as its draft is called.
 */
export function useRound(version: () => number | undefined, form: () => string): Ref<number> {
  const round = ref(0);
  watch(version, (_, before) => {
    if (before !== undefined && !isTyped(form())) round.value += 1;
  });
  return round;
}
