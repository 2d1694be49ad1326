import { DEVICE_FIELDS } from './use-devices.ts';
import { HAND_OVER_FIELDS, HAND_OVER_REFUSALS } from './use-hand-overs.ts';
import { CASE_FIELDS, CASE_REFUSALS, OPERATION_FIELDS, OPERATION_REFUSALS } from './use-operations.ts';

/** What a line is about: `case` of `case.made`. */
const nounOf = (what: string): string => what.split('.')[0] ?? what;

/** Details that forms have words for: as there. */
const FIELDS: Record<string, Record<string, string>> = {
  case: CASE_FIELDS,
  operation: OPERATION_FIELDS,
  handover: HAND_OVER_FIELDS,
  device: DEVICE_FIELDS,
  // what a list was narrowed by
  export: {
    q: 'board.search',
    state: 'cases.stage',
    stage: 'cases.stage',
    type: 'op.type',
    squad: 'op.squad',
    case: 'op.case',
    confidentiality: 'op.secrecy',
    missing: 'board.missing',
    from: 'board.from',
    to: 'board.to',
    sort: 'board.sort',
  },
};
/** The key of the words for a detail of that name. */
export const fieldKey = (what: string, name: string): string => FIELDS[nounOf(what)]?.[name] ?? `custody.detail.${name}`;

/** Where the words of a choice stand: of a detail of this name, in lines about this. */
const CHOICES: Record<string, string> = {
  'case stage': 'caseStage',
  'case confidentiality': 'secrecy',
  'operation confidentiality': 'secrecy',
  'operation type': 'shots.type',
  'device type': 'device.types',
  'device state': 'device.states',
  'device kind': 'device.kinds',
  'link devices': 'links',
  'export state': 'stage',
  'export stage': 'caseStage',
  'export type': 'shots.type',
  'export confidentiality': 'secrecy',
  'export missing': 'board.without',
  'export sort': 'custody.sort',
  'export order': 'custody.order',
  'export lang': 'custody.lang',
  'refused permission': 'permission',
};
/** Details that the hub itself fills with a few words of its own. */
const SAID = ['why', 'with', 'state', 'decision', 'pictures', 'change', 'exported', 'source'];
/** The key of the words for a value; null for what people wrote. */
export function valueKey(what: string, name: string, value: string): string | null {
  const choices = CHOICES[`${nounOf(what)} ${name}`] ?? (SAID.includes(name) ? 'custody.value' : null);
  return choices === null ? null : `${choices}.${value.replaceAll(' ', '-')}`;
}

const REFUSALS: Record<string, Record<string, string>> = {
  case: CASE_REFUSALS,
  operation: OPERATION_REFUSALS,
  handover: HAND_OVER_REFUSALS,
};
/** The key of a sentence that tells this refusal where it is met; undefined: the usual one. */
export const refusalKey = (what: string, code: string, field: string): string | undefined => REFUSALS[nounOf(what)]?.[`${code} ${field}`];

const inExport = (what: string, name: string, names: string[]): boolean => nounOf(what) === 'export' && names.includes(name);
/** Details whose values are ids of things that have names. */
export const isId = (what: string, name: string): boolean => /Ids?$/.test(name) || inExport(what, name, ['squad', 'case']);
/** Details whose values are moments, in milliseconds. */
export const isMoment = (what: string, name: string): boolean => name.endsWith('Ms') || inExport(what, name, ['from', 'to']);
