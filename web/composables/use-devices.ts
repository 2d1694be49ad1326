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
import { api } from './api.ts';
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

/** The words of the forms of devices for their fields. */
export const DEVICE_FIELDS: Record<string, string> = {
  squadId: 'device.squad',
  type: 'device.type',
  serial: 'device.serial',
  model: 'device.model',
  ownerId: 'device.owner',
  state: 'device.state',
  personId: 'device.person',
  operationId: 'device.operation',
  kind: 'device.kind',
  text: 'device.note',
};

/** Who has a device, in words. */
export function useDeviceText() {
  const { t } = useI18n();
  const holder = (use: DeviceUse): string => t('device.outTo', { who: use.personName ?? t('device.unnamed'), at: dateTime(use.fromMs) });
  const purpose = ({ operationName }: DeviceUse): string => (operationName === null ? '' : t('device.outFor', { name: operationName }));
  return {
    purpose,
    holder,
    where: ({ out }: Device): string => (out ? [holder(out), purpose(out)].filter(Boolean).join(' · ') : t('device.in')),
  };
}
