import { useI18n } from 'vue-i18n';
import type { Mark } from '../../server/protocol/http.ts';
import { duration } from './format.ts';
import { lateMs } from './marks.ts';

/** A mark in words: what it is, of which angle, by whom, and whether it came late. */
export function useMarkText(nameOf: (angleId: string) => string) {
  const { t } = useI18n();
  const what = (mark: Mark): string => mark.text ?? t(`marks.${mark.kind}`);
  const facts = (mark: Mark): string[] => {
    const late = lateMs(mark);
    return [
      mark.angleId === null ? t('marks.all') : nameOf(mark.angleId),
      t(`marks.${mark.by}`),
      ...(mark.kind === 'blocked' && mark.text !== null ? [t('marks.blocked')] : []),
      ...(late === null ? [] : [t('marks.late', { n: duration(late) })]),
    ];
  };
  return { what, facts, whole: (mark: Mark) => [what(mark), ...facts(mark)].join(' · ') };
}
