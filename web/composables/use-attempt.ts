import { ref } from 'vue';
import { useI18n } from 'vue-i18n';
import { ApiFailure, errorKey } from './api.ts';

type Told = { key: string; params: Record<string, string> };

/**
 * One attempt at a time, and in words what came of the last one. `fields`: the words of a form for the fields that the hub
 * names. `own`: sentences for a refusal of its own, by code and field (`conflict number`). `words`: of errors that are not the hub's.
 */
export function useAttempt(
  fields: Record<string, string> = {},
  own: Record<string, string> = {},
  words: (error: unknown, fields: Record<string, string>) => Told = errorKey,
) {
  const { t } = useI18n();
  const busy = ref(false);
  const problem = ref('');
  async function attempt(work: () => Promise<unknown>): Promise<void> {
    if (busy.value) return;
    busy.value = true;
    problem.value = '';
    try {
      await work();
    } catch (error) {
      problem.value = told(error);
    } finally {
      busy.value = false;
    }
  }
  /** What is said of an error. */
  function told(error: unknown): string {
    const { key, params } = words(error, fields);
    const sentence = error instanceof ApiFailure ? own[`${error.code} ${error.field?.split('.')[0] ?? ''}`] : undefined;
    return t(sentence ?? key, params);
  }
  return { busy, problem, attempt, told };
}
