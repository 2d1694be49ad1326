import { ref } from 'vue';
import { useI18n } from 'vue-i18n';
import { useRouter } from 'vue-router';
import { OperationView } from '../../server/protocol/http.ts';
import { api, errorKey } from './api.ts';

/** The form for a new operation: creates it and opens its console. */
export function useCreate() {
  const { t } = useI18n();
  const router = useRouter();
  const name = ref('');
  const busy = ref(false);
  const problem = ref('');

  async function create(): Promise<void> {
    busy.value = true;
    problem.value = '';
    try {
      const { operationId } = await api(OperationView, 'POST', '/operations', { name: name.value });
      await router.push(`/console/${operationId}`);
    } catch (error) {
      const { key, params } = errorKey(error);
      problem.value = t(key, { ...params, field: t('home.name') });
    } finally {
      busy.value = false;
    }
  }

  return { name, busy, problem, create };
}
