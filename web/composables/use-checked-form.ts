import { nextTick, ref, type Ref } from 'vue';

type Checked<F extends string> = {
  /** The first field that the hub would refuse, as far as the page can tell; null when there is none. */
  check: () => F | null;
  /** What is said of that field. */
  words: (field: F) => string;
  attempt: (work: () => Promise<unknown>) => Promise<void>;
  save: () => Promise<void>;
  problem: Ref<string>;
};

/** A form that says of its own fields what is wrong before it asks the hub, and puts the cursor there. */
export function useCheckedForm<F extends string>(
  root: Readonly<Ref<HTMLElement | null>>,
  { check, words, attempt, save, problem }: Checked<F>,
) {
  const wrong = ref<F | null>(null) as Ref<F | null>;
  async function submit(): Promise<void> {
    wrong.value = check();
    if (wrong.value === null) return attempt(save);
    problem.value = words(wrong.value);
    await nextTick();
    root.value?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }
  return { wrong, submit };
}
