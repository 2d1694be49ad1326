import { useI18n } from 'vue-i18n';
import type { GatewayState } from '../../server/protocol/http.ts';
import { secondsLeft } from './format.ts';

/** What a camera that the hub fetches, or an encoder that pushes, is doing, and why not, in the words of the chosen language. */
export function useCameraText(): { state: (camera: GatewayState, nowMs: number) => string; notes: (camera: GatewayState) => string[] } {
  const i18n = useI18n();
  const { t } = i18n;
  const wordsFor = (mode: GatewayState['mode'], key: string): string =>
    mode === 'push' && i18n.te(`push.${key}`) ? `push.${key}` : `camera.${key}`;
  return {
    state: ({ mode, phase, reason, retryMs }, nowMs) => {
      const parts = reason ? [t(wordsFor(mode, `reason.${reason.code}`), reason.facts)] : [];
      if (phase === 'retrying') parts.push(t('camera.retry', { s: secondsLeft(retryMs ?? nowMs, nowMs) }));
      else parts.push(t(wordsFor(mode, phase)));
      return parts.join(' · ');
    },
    notes: ({ notes }) => notes.map(({ code, facts }) => t(`camera.note.${code}`, facts)),
  };
}
