import { useI18n } from 'vue-i18n';
import type { CustodyLine } from '../../server/protocol/custody.ts';
import { ApiFailure, errorKey } from './api.ts';
import { fieldKey, isId, isMoment, refusalKey, valueKey } from './custody-words.ts';
import { dateTime, timeOfDay } from './format.ts';

/**
 * What lines of the custody log mean, in the reader's language; what has no words there is called as in the log. `names`: of
 * the ids in it, as far as they are known.
 */
export function useCustodyText(names: () => ReadonlyMap<string, string> = () => new Map()) {
  const i18n = useI18n();
  const { t } = i18n;
  const worded = (key: string, raw: string): string => (i18n.te(key) ? t(key) : raw);
  const list = (texts: string[]): string => texts.join(t('custody.and'));
  /** Names change, ids do not. */
  const named = (id: string): string => {
    const name = names().get(id);
    return name === undefined ? id : `${name} (${id})`;
  };

  /** Shot lists are told apart by the type of operation that they are for. */
  const subjectText = (what: string, subject: string): string =>
    what === 'shot-list.changed' ? worded(`shots.type.${subject}`, subject) : named(subject);

  const grantText = (grant: unknown): string => {
    const { role, squadId } =
      typeof grant === 'string' ? { role: grant, squadId: null } : (grant as { role: string; squadId: string | null });
    return `${worded(`role.${role}`, role)} · ${squadId === null ? t('role.brigade') : named(squadId)}`;
  };
  /** How the details of some names are read, where they are lists. */
  const LISTS: Record<string, (value: unknown[]) => string> = {
    roles: (value) => list(value.map(grantText)),
    permissions: (value) => list((value as string[]).map((each) => worded(`permission.${each}`, each))),
    officers: (value) => list((value as { name: string }[]).map(({ name }) => name)),
    items: (value) => list((value as { zh: string; en: string }[]).map(({ zh, en }) => (i18n.locale.value === 'en' ? en : zh))),
    seen: (value) =>
      list((value as { fromMs: number; toMs: number }[]).map(({ fromMs, toMs }) => `${dateTime(fromMs)} – ${timeOfDay(toMs)}`)),
  };
  function valueText(what: string, name: string, value: unknown): string {
    if (what === 'setting.changed' && Array.isArray(value)) return value.map((each) => valueText('', name, each)).join(' → ');
    if (Array.isArray(value)) return LISTS[name]?.(value) ?? list(value.map((each) => valueText(what, name, each)));
    if (name === 'begins') return t(value === true ? 'custody.begun' : 'custody.over');
    if (value === null || value === '') return '–';
    if (typeof value === 'number') return isMoment(what, name) ? dateTime(value) : String(value);
    if (typeof value === 'boolean') return t(value ? 'custody.yes' : 'custody.no');
    if (typeof value === 'string') return textOf(what, name, value);
    const { angleId, name: called } = value as Record<string, unknown>;
    if (typeof angleId === 'string' && typeof called === 'string') return `${called} (${angleId})`; // not the operation's name
    return pairs(what, value as Record<string, unknown>)
      .map(([field, text]) => `${field} ${text}`)
      .join(' · ');
  }
  function textOf(what: string, name: string, value: string): string {
    if (what === 'alarm.dismissed' && name === 'alarm') {
      const [code = '', ...rest] = value.split(':'); // where it is follows the kind
      return [worded(`custody.alarm.${code}`, code), rest.join(':')].filter(Boolean).join(' · ');
    }
    return isId(what, name) ? named(value) : worded(valueKey(what, name, value) ?? '', value);
  }
  const pairs = (what: string, detail: Record<string, unknown>): [name: string, value: string][] =>
    Object.entries(detail)
      .filter(([, value]) => value !== '' && value !== null && !(Array.isArray(value) && value.length === 0))
      .map(([name, value]) => [worded(fieldKey(what, name), name), valueText(what, name, value)]);

  /** Why something failed, by the code of its refusal: what the hub wrote beside that is English. */
  function whyText(what: string, why: string, code: string, field: string): string {
    const { key, params } = errorKey(new ApiFailure(code, why, field));
    const own = refusalKey(what, code, field) ?? key;
    // of a code without a sentence, the hub's own words say more than that something went wrong
    if (own === 'error.internal' && code !== 'internal') return why;
    return i18n.te(own) ? t(own, { ...params, field: worded(fieldKey(what, field), field) }) : why;
  }

  return {
    whatText: (what: string): string => worded(`custody.what.${what}`, what),
    whoText: ({ who }: CustodyLine): string => who.name ?? worded(`custody.who.${who.kind}`, who.kind),
    operationText: named,
    aboutText: ({ what, angleId, subject }: CustodyLine): string =>
      [angleId === null ? '' : named(angleId), subject === null ? '' : subjectText(what, subject)].filter(Boolean).join(' · '),
    details({ what, detail }: CustodyLine): [name: string, value: string][] {
      const { why, code, field = '', ...rest } = detail;
      if (typeof why !== 'string' || typeof code !== 'string') return pairs(what, detail);
      return [[t('custody.detail.why'), whyText(what, why, code, String(field))], ...pairs(what, rest)];
    },
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
