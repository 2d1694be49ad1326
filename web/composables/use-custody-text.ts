import { useI18n } from 'vue-i18n';
import type { CustodyLine } from '../../server/protocol/custody.ts';
import { dateTime } from './format.ts';

/** What lines of the custody log mean, in the reader's language; what has no words there is called as in the log. */
export function useCustodyText() {
  const i18n = useI18n();
  const { t } = i18n;
  const worded = (key: string, raw: string): string => (i18n.te(key) ? t(key) : raw);

  const valueText = (name: string, value: unknown): string => {
    if (typeof value === 'number' && name.endsWith('Ms') && value > 1e12) return dateTime(value);
    if (name === 'permissions' && Array.isArray(value)) return value.map((each) => worded(`permission.${each}`, String(each))).join(' · ');
    if (name === 'roles' && Array.isArray(value)) return value.map(roleText).join(' · ');
    if (typeof value === 'boolean') return t(value ? 'custody.yes' : 'custody.no');
    return typeof value === 'string' || typeof value === 'number' ? String(value) : JSON.stringify(value);
  };
  const roleText = (grant: unknown): string => {
    const { role, squadId } =
      typeof grant === 'string' ? { role: grant, squadId: null } : (grant as { role: string; squadId: string | null });
    return [worded(`role.${role}`, role), squadId].filter(Boolean).join(' · ');
  };

  return {
    whatText: (what: string): string => worded(`custody.what.${what}`, what),
    whoText: ({ who }: CustodyLine): string => who.name ?? worded(`custody.who.${who.kind}`, who.kind),
    details: ({ detail }: CustodyLine): [name: string, value: string][] =>
      Object.entries(detail).map(([name, value]) => [worded(`custody.detail.${name}`, name), valueText(name, value)]),
    /** All that have words, for the choice of a filter: `link.made`. */
    whats: (): string[] => names(i18n.tm('custody.what')),
  };
}

/** The keys of texts within texts, joined by dots. */
function names(texts: unknown, path = ''): string[] {
  return Object.entries(texts as Record<string, unknown>).flatMap(([key, text]) =>
    typeof text === 'object' ? names(text, `${path}${key}.`) : [path + key],
  );
}
