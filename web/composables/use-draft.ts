import { reactive, ref, type Ref, watch } from 'vue';

const PREFIX = 'fieldhub.draft.';

/** Forms into which something is typed, also where the storage takes nothing. */
const typed = new Set<string>();

type Kept = { from: string; form: Record<string, unknown> };
type Field<T> = keyof T & string;
export type Draft<T> = {
  form: T;
  /** Whether the form shows what was typed before; `older`: and what it began from has changed since. */
  restored: Ref<'no' | 'yes' | 'older'>;
  /** The values are with the hub, or nobody wants them: nothing is kept any more. */
  saved: () => void;
  /** Back to what it began from. */
  discard: () => void;
  /** The fields that are not as they were at the beginning. */
  touched: () => Field<T>[];
  /** The fields that are otherwise in `next` than in what it began from. */
  differing: (next: T) => Field<T>[];
  /** Begin from something newer: what was touched stays as it was typed, the rest becomes as it is there. */
  rebase: (next: T) => void;
};
export type DraftOptions<T> = {
  /** Never kept: passwords, codes. */
  leaveOut?: readonly Field<T>[];
  /** Its fields belong together: a kept one comes back as it was, though what it began from has changed since. */
  asOne?: boolean;
  storage?: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
};

/**
 * A form whose values are kept in this tab from the first key on, until they are saved: a reload, an expired session or a page
 * left by mistake loses nothing. `key` names the form and what it is about (`person.new`, `case.ca-1`); `start` are plain values
 * (texts, numbers, truth values, lists and records of these). Of what it began from, only what was typed over outlasts a newer start.
 */
export function useDraft<T extends Record<string, unknown>>(
  key: string,
  start: T,
  { leaveOut = [], asOne = false, storage = sessionStorage }: DraftOptions<T> = {},
): Draft<T> {
  const name = PREFIX + key;
  typed.delete(name);
  let from = JSON.stringify(start);
  const fresh = (): T => JSON.parse(from) as T;
  const form = reactive(fresh()) as T;
  const restored = ref<'no' | 'yes' | 'older'>('no');

  const unlike = (other: T): Field<T>[] => {
    const begun = fresh();
    return Object.keys(begun).filter((field) => !same(begun[field], other[field]));
  };

  const kept = read(storage, name);
  if (kept) {
    const begun = recordIn(kept.from);
    // a form that has changed since takes over what it still knows, of the kind it was
    for (const [field, value] of Object.entries(kept.form)) {
      if (!(field in form) || leaveOut.includes(field) || !sameKind(form[field], value)) continue;
      // nobody typed this: it is as it is now
      if (!asOne && field in begun && same(begun[field], value)) continue;
      Object.assign(form, { [field]: value });
    }
    if (JSON.stringify(form) === from) storage.removeItem(name);
    else {
      restored.value = kept.from === from ? 'yes' : 'older';
      typed.add(name);
    }
  }

  function keep(): void {
    const rest = Object.fromEntries(Object.entries(form).filter(([field]) => !leaveOut.includes(field)));
    const untouched = Object.fromEntries(Object.entries(fresh()).filter(([field]) => !leaveOut.includes(field)));
    if (JSON.stringify(form) === from) typed.delete(name);
    else typed.add(name);
    if (JSON.stringify(rest) === JSON.stringify(untouched)) storage.removeItem(name);
    else write(storage, name, { from, form: rest });
  }
  const stop = watch(() => JSON.stringify(form), keep, { flush: 'sync' });

  return {
    form,
    restored,
    saved: () => {
      stop();
      restored.value = 'no';
      typed.delete(name);
      storage.removeItem(name);
    },
    discard: () => {
      Object.assign(form, fresh());
      restored.value = 'no';
    },
    touched: () => unlike(form),
    differing: unlike,
    rebase: (next) => {
      const mine = unlike(form);
      from = JSON.stringify(next);
      Object.assign(form, Object.fromEntries(Object.entries(fresh()).filter(([field]) => !mine.includes(field))));
      keep();
    },
  };
}

/** Whether something is typed into this form, and not saved yet. */
export const isTyped = (key: string): boolean => typed.has(PREFIX + key);

/** Whoever signs out, or signs in as somebody else, leaves nothing typed behind. */
export function forgetDrafts(storage: Storage = sessionStorage): void {
  typed.clear();
  const names = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '');
  for (const name of names) if (name.startsWith(PREFIX)) storage.removeItem(name);
}

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
const kindOf = (value: unknown): string => (Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value);
/** What may be left empty (null) takes anything that is not a record or a list, and may be emptied. */
function sameKind(one: unknown, other: unknown): boolean {
  const kinds = [kindOf(one), kindOf(other)];
  return kinds[0] === kinds[1] || (kinds.includes('null') && !kinds.includes('list') && !kinds.includes('object'));
}

function read(storage: Pick<Storage, 'getItem'>, name: string): Kept | null {
  try {
    const kept = JSON.parse(storage.getItem(name) ?? 'null') as Partial<Kept> | null;
    return kept && typeof kept.from === 'string' && kindOf(kept.form) === 'object' ? (kept as Kept) : null;
  } catch {
    return null; // not ours, or cut off
  }
}

function recordIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return kindOf(value) === 'object' ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function write(storage: Pick<Storage, 'setItem'>, name: string, kept: Kept): void {
  try {
    storage.setItem(name, JSON.stringify(kept));
  } catch {
    // storage is full or forbidden: the form works all the same
  }
}
