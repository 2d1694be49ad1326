import { useI18n } from 'vue-i18n';
import type { CustodyLine } from '../../server/protocol/custody.ts';
import { dateTime, timeOfDay } from './format.ts';

/**
 * What lines of the custody log mean, in the reader's language; what has no words there is called as in the log. `names`: of
 * the ids of people and squads, as far as they are known.
 */
export function useCustodyText(names: () => ReadonlyMap<string, string> = () => new Map()) {
  const i18n = useI18n();
  const { t } = i18n;
  const worded = (key: string, raw: string): string => (i18n.te(key) ? t(key) : raw);
  const nameOf = (id: string): string => names().get(id) ?? id;

  const grantText = (grant: unknown): string => {
    const { role, squadId } =
      typeof grant === 'string' ? { role: grant, squadId: null } : (grant as { role: string; squadId: string | null });
    return `${worded(`role.${role}`, role)} · ${squadId === null ? t('role.brigade') : nameOf(squadId)}`;
  };
  const listed = (value: unknown): string => (value as string[]).join(', ');
  /** How the details of some names are read. */
  const READ: Record<string, (value: unknown) => string> = {
    begins: (value) => t(value === true ? 'custody.begun' : 'custody.over'),
    roles: (value) => (value as unknown[]).map(grantText).join(', '),
    permissions: (value) => (value as string[]).map((each) => worded(`permission.${each}`, each)).join(', '),
    links: listed,
    pictures: (value) => (value as string[]).map((each) => worded(`custody.value.${each}`, each)).join(', '),
    firstProblems: listed,
    seen: (value) =>
      (value as { fromMs: number; toMs: number }[]).map(({ fromMs, toMs }) => `${dateTime(fromMs)} – ${timeOfDay(toMs)}`).join(', '),
  };
  function valueText(name: string, value: unknown): string {
    if (Array.isArray(value) === (name !== 'begins')) {
      const read = READ[name];
      if (read) return read(value);
    }
    if (typeof value === 'number' && name.endsWith('Ms')) return dateTime(value);
    if (typeof value === 'boolean') return t(value ? 'custody.yes' : 'custody.no');
    if (typeof value === 'string') return worded(`custody.value.${value.replaceAll(' ', '-')}`, value);
    return JSON.stringify(value);
  }

  return {
    whatText: (what: string): string => worded(`custody.what.${what}`, what),
    whoText: ({ who }: CustodyLine): string => who.name ?? worded(`custody.who.${who.kind}`, who.kind),
    aboutText: ({ angleId, subject }: CustodyLine): string =>
      [angleId, subject === null ? null : nameOf(subject)].filter((text) => text !== null).join(' · '),
    details: ({ detail }: CustodyLine): [name: string, value: string][] =>
      Object.entries(detail)
        .filter(([, value]) => value !== '' && value !== null)
        .map(([name, value]) => [worded(`custody.detail.${name}`, name), valueText(name, value)]),
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
