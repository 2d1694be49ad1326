import type { CustodyLine } from '../../server/protocol/custody.ts';
import { fieldWords } from './field-words.ts';
import { dateTime, timeOfDay } from './format.ts';

/** The reader's words, and the names of people and squads as far as they are known. */
export type CustodyWords = { t: (key: string) => string; te: (key: string) => boolean; locale: string; nameOf: (id: string) => string };

/** Words of the hub, by the detail in which they stand. */
const WORDS: Record<string, string[]> = {
  why: ['custody.value'],
  pictures: ['custody.value'],
  with: ['custody.value'],
  decision: ['custody.value'],
  state: ['custody.value', 'device.states'],
  role: ['role'],
  permissions: ['permission'],
  type: ['shots.type', 'device.types'],
  stage: ['caseStage'],
  confidentiality: ['secrecy'],
  kind: ['device.kinds'],
  devices: ['links'],
};
const IDS = ['squadId', 'squadIds', 'personId', 'ownerId'];
const NOTHING = '–';

/** What a line tells beside who did what: names and values in words. What has none is told as in the log. */
export function custodyDetails(
  { what, detail }: Pick<CustodyLine, 'what' | 'detail'>,
  words: CustodyWords,
): [name: string, value: string][] {
  const told = Object.entries(detail).filter(([name, value]) => value !== '' && value !== null && name !== 'version');
  if (what === 'setting.changed') return told.map(([name, value]) => [name, settingText(value)]);
  return told.map(([name, value]) => [nameText(name, words), valueText(name, value, words)]);
}

function nameText(name: string, { t, te }: CustodyWords): string {
  const key = `custody.detail.${name}`;
  if (te(key)) return t(key);
  const field = fieldWords(name);
  return field === 'fields.other' ? name : t(field);
}

/** Before and after. */
const settingText = (value: unknown): string =>
  Array.isArray(value) ? value.map((each) => (each === null ? NOTHING : plain(each))).join(' → ') : plain(value);
const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function valueText(name: string, value: unknown, words: CustodyWords): string {
  const { t } = words;
  if (Array.isArray(value)) return value.map((each: unknown) => valueText(name, each, words)).join(t('check.and')) || NOTHING;
  if (name === 'begins') return t(value === true ? 'custody.begun' : 'custody.over');
  if (typeof value === 'boolean') return t(value ? 'custody.yes' : 'custody.no');
  if (typeof value === 'number' && name.endsWith('Ms')) return dateTime(value);
  if (typeof value === 'string') return textOf(name, value, words);
  if (typeof value === 'object' && value !== null) return recordText(value as Record<string, unknown>, words);
  return JSON.stringify(value);
}

function textOf(name: string, value: string, { t, te, nameOf }: CustodyWords): string {
  if (IDS.includes(name)) return nameOf(value);
  const key = WORDS[name]?.map((of) => `${of}.${value.replaceAll(' ', '-')}`).find(te);
  return key === undefined ? value : t(key);
}

/** A role and where it holds, an item of a shot list, a stretch of time, somebody by name, or where something lies. */
function recordText(value: Record<string, unknown>, words: CustodyWords): string {
  const { role, squadId, zh, en, fromMs, toMs, name } = value;
  if (typeof role === 'string')
    return `${textOf('role', role, words)} · ${typeof squadId === 'string' ? words.nameOf(squadId) : words.t('role.brigade')}`;
  if (typeof zh === 'string' && typeof en === 'string') return words.locale === 'en' ? en : zh;
  if (typeof fromMs === 'number' && typeof toMs === 'number') return `${dateTime(fromMs)} – ${timeOfDay(toMs)}`;
  if (typeof name === 'string') return name;
  return Object.values(value).every((each) => typeof each === 'string') ? Object.values(value).join(' / ') : JSON.stringify(value);
}
