import { useI18n } from 'vue-i18n';
import type { GatewayState } from '../../server/protocol/http.ts';
import { secondsLeft } from './format.ts';

/** What a camera that the hub fetches is doing, and why not, in the words of the chosen language. */
export function useCameraText(): { state: (camera: GatewayState, nowMs: number) => string; notes: (camera: GatewayState) => string[] } {
  const { t } = useI18n();
  return {
    state: ({ phase, reason, retryMs }, nowMs) => {
      const parts = reason ? [t(`camera.reason.${reason.code}`, reason.facts)] : [];
      if (phase === 'retrying') parts.push(t('camera.retry', { s: secondsLeft(retryMs ?? nowMs, nowMs) }));
      else parts.push(t(`camera.${phase}`));
      return parts.join(' · ');
    },
    notes: ({ notes }) => notes.map(({ code, facts }) => t(`camera.note.${code}`, facts)),
  };
}
