import { computed, type Ref, shallowRef } from 'vue';
import { useI18n } from 'vue-i18n';
import { ApiFailure } from './api.ts';
import { useDraft } from './use-draft.ts';

type RecordForm<R, T> = {
  /** What the form shows of it, or (null) of one that is new. */
  startOf: (record: R | null) => T;
  /** The record as it is now. Throws ApiFailure. */
  load: () => Promise<R>;
  /** Keys of the words for the fields of the form. */
  words: Record<string, string>;
  /** What is said of the last try. */
  problem: Ref<string>;
};

/**
 * A form of a record (`of`; null: of a new one) that others may change meanwhile. What is typed is a draft (`key`, see useDraft);
 * the version is not: it is that of the record which the form was last begun from. Where somebody else was faster, the newer record
 * is fetched, and whoever types says whose values shall stand.
 */
export function useRecordForm<R extends { version: number }, T extends Record<string, unknown>>(
  key: string,
  of: R | null,
  { startOf, load, words, problem }: RecordForm<R, T>,
) {
  const { t } = useI18n();
  const base = shallowRef(of);
  const draft = useDraft(key, startOf(of));
  const newer = shallowRef<R | null>(null);
  /** What others have changed, in words; null: nothing that was not agreed to. */
  const changed = computed(() => {
    if (!newer.value) return null;
    return draft
      .differing(startOf(newer.value))
      .map((field) => t(words[field] ?? field))
      .join(t('check.and'));
  });

  /** What was not typed over is as in this record from now on. */
  function begin(record: R): void {
    base.value = record;
    draft.rebase(startOf(record));
    newer.value = null;
    problem.value = '';
  }
  /** The record is newer by what was done beside the form: only where both have changed a field is there anything to ask. */
  function follow(record: R): void {
    const mine = draft.touched();
    if (draft.differing(startOf(record)).some((field) => mine.includes(field))) newer.value = record;
    else begin(record);
  }
  function keepMine(): R | null {
    if (newer.value) begin(newer.value);
    return base.value;
  }
  function takeTheirs(): R | null {
    const record = keepMine();
    draft.discard();
    return record;
  }
  /** `send` the version with what was typed. Throws what it throws, `conflict` (`version`) once `changed` tells why. */
  async function write<A>(send: (version: number) => Promise<A>): Promise<A> {
    try {
      return await send(base.value?.version ?? 0);
    } catch (error) {
      if (!(error instanceof ApiFailure && error.field === 'version')) throw error;
      const record = await load();
      if (draft.differing(startOf(record)).length > 0) {
        newer.value = record;
        throw error;
      }
      begin(record); // nothing of this form has changed
      return send(record.version);
    }
  }
  return { ...draft, base, changed, follow, keepMine, takeTheirs, write };
}
