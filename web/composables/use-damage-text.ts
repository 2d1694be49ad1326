import { useI18n } from 'vue-i18n';
import type { Damage } from './damage.ts';

/** What a stretch lacks, in the reader's language: only what there is of it. */
export function useDamageText(): (damage: Pick<Damage, 'withheld' | 'missing'>) => string {
  const { t } = useI18n();
  return ({ withheld, missing }) =>
    [
      missing > 0 ? t('review.lackMissing', { n: missing }, missing) : '',
      withheld > 0 ? t('review.lackWithheld', { n: withheld }, withheld) : '',
    ]
      .filter(Boolean)
      .join(t('review.lackAnd'));
}
