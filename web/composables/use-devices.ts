import { ref } from 'vue';
import { useI18n } from 'vue-i18n';
import {
  type Device,
  type DeviceChange,
  type DeviceCreate,
  type DeviceNoteCreate,
  type DeviceUse,
  type DeviceUseCreate,
  DeviceView,
} from '../../server/protocol/devices.ts';
import { api, ApiFailure, errorKey } from './api.ts';
import { dateTime } from './format.ts';

const of = (deviceId: string, rest = ''): string => `/devices/${deviceId}${rest}`;
/** What is done with devices; each answers the device as it is then. All throw ApiFailure. */
export const devicesApi = {
  create: (device: DeviceCreate) => api(DeviceView, 'POST', '/devices', device),
  change: (deviceId: string, change: DeviceChange) => api(DeviceView, 'PUT', of(deviceId), change),
  note: (deviceId: string, note: DeviceNoteCreate) => api(DeviceView, 'POST', of(deviceId, '/notes'), note),
  handOut: (deviceId: string, use: DeviceUseCreate) => api(DeviceView, 'POST', of(deviceId, '/uses'), use),
  takeBack: (deviceId: string, useId: string) => api(DeviceView, 'POST', of(deviceId, `/uses/${useId}/end`)),
};

/** The words of a form for the fields that the hub names. */
const FIELDS: Record<string, string> = {
  squadId: 'device.squad',
  type: 'device.type',
  model: 'device.model',
  ownerId: 'device.owner',
  state: 'device.state',
  personId: 'device.person',
  operationId: 'device.operation',
  text: 'device.note',
};

/** One attempt at a time, and in words what came of the last one. */
export function useAttempt() {
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
      const { key, params } = errorKey(error);
      const own = FIELDS[params['field'] ?? ''];
      problem.value = t(key, { ...params, ...(own && { field: t(own) }) });
      stale.value = error instanceof ApiFailure && error.field === 'version';
    } finally {
      busy.value = false;
    }
  }
  return { busy, problem, stale, attempt };
}

/** Who has a device, in words. */
export function useDeviceText() {
  const { t } = useI18n();
  const holder = (use: DeviceUse): string => t('device.outTo', { who: use.personName ?? t('device.unnamed'), at: dateTime(use.fromMs) });
  const purpose = ({ operationId, operationName }: DeviceUse): string =>
    operationId === null ? '' : t('device.outFor', { name: operationName ?? t('device.hidden') });
  return {
    purpose,
    holder,
    where: ({ out }: Device): string => (out ? [holder(out), purpose(out)].filter(Boolean).join(' · ') : t('device.in')),
  };
}
