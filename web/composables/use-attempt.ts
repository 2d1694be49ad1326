import { ref } from 'vue';
import { useI18n } from 'vue-i18n';
import { ApiFailure, errorKey } from './api.ts';

/**
 * One attempt at a time, and in words what came of the last one. `fields`: the words of a form for the fields that the hub
 * names. `own`: sentences for a refusal of its own, by code and field (`conflict number`).
 */
export function useAttempt(fields: Record<string, string> = {}, own: Record<string, string> = {}) {
  const { t } = useI18n();
  const busy = ref(false);
  const problem = ref('');
  /** The last one failed because somebody else was faster. */
  const stale = ref(false);
  async function attempt(work: () => Promise<unknown>): Promise<void> {
    if (busy.value) return;
    busy.value = true;
    problem.value = '';
    stale.value = false;
    try {
      await work();
    } catch (error) {
      problem.value = told(error);
      stale.value = error instanceof ApiFailure && error.field === 'version';
    } finally {
      busy.value = false;
    }
  }
  function told(error: unknown): string {
    const { key, params } = errorKey(error, fields);
    const sentence = error instanceof ApiFailure ? own[`${error.code} ${error.field?.split('.')[0] ?? ''}`] : undefined;
    return t(sentence ?? key, params);
  }
  return { busy, problem, stale, attempt };
}
