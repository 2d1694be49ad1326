import { useI18n } from 'vue-i18n';
import type { CustodyLine } from '../../server/protocol/custody.ts';
import { custodyDetails } from './custody-details.ts';

/**
 * What lines of the custody log mean, in the reader's language; what has no words there is called as in the log. `names`: of
 * the ids of people and squads, as far as they are known.
 */
export function useCustodyText(names: () => ReadonlyMap<string, string> = () => new Map()) {
  const i18n = useI18n();
  const { t } = i18n;
  const worded = (key: string, raw: string): string => (i18n.te(key) ? t(key) : raw);
  const nameOf = (id: string): string => names().get(id) ?? id;

  return {
    whatText: (what: string): string => worded(`custody.what.${what}`, what),
    whoText: ({ who }: CustodyLine): string => who.name ?? worded(`custody.who.${who.kind}`, who.kind),
    aboutText: ({ angleId, subject }: CustodyLine): string =>
      [angleId, subject === null ? null : nameOf(subject)].filter((text) => text !== null).join(' · '),
    details: (line: CustodyLine): [name: string, value: string][] =>
      custodyDetails(line, { t: (key) => t(key), te: (key) => i18n.te(key), locale: i18n.locale.value, nameOf }),
    /** All that have words, for the choice of a filter: `link.made`. */
    whats: (): string[] => keysOf(i18n.tm('custody.what')),
  };
}

/** The keys of texts within texts, joined by dots. */
function keysOf(texts: unknown, path = ''): string[] {
  return Object.entries(texts as Record<string, unknown>).flatMap(([key, text]) =>
    typeof text === 'object' ? keysOf(text, `${path}${key}.`) : [path + key],
  );
}
