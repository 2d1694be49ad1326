import type { Confidentiality, OperationType } from '../../server/protocol/cases.ts';
import type { GivenFacts, OperationFacts } from '../../server/protocol/operations.ts';
import type { PersonListed } from '../../server/protocol/people.ts';
import { oneLine } from './one-line.ts';

/** An officer as a form shows one: of the hub's people, or (`personId` null) by name alone. */
export type Chosen = OperationFacts['officers'][number];

/** Of those who were found, who has this very name or badge. */
export const calledSo = (text: string, found: PersonListed[]): PersonListed[] =>
  found.filter(({ name, badge }) => name === text || badge === text);

/** Somebody of the hub by this very name or badge, a name alone where nobody has it, null where several have. */
export function officerNamed(text: string, found: PersonListed[]): Chosen | null {
  const [one, other] = calledSo(text, found);
  if (other) return null;
  return { personId: one?.personId ?? null, name: one?.name ?? text, badge: one?.badge ?? null };
}

/** What a form holds: texts and lists, so that it can be kept. Empty: not known. */
export type FactsForm = {
  name: string;
  type: string;
  caseId: string;
  place: string;
  latitude: string;
  longitude: string;
  planned: string;
  secrecy: string;
  required: string;
  squadIds: string[];
  officers: Chosen[];
  angles: string[];
};

const two = (value: number): string => String(value).padStart(2, '0');
/** As `datetime-local` takes it, in the reader's zone. */
export function localTime(ms: number | null): string {
  if (ms === null) return '';
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

export const formOf = (facts: OperationFacts | null, angles: string[]): FactsForm => ({
  name: facts?.name ?? '',
  type: facts?.type ?? '',
  caseId: facts?.caseId ?? '',
  place: facts?.place ?? '',
  latitude: facts?.latitude?.toString() ?? '',
  longitude: facts?.longitude?.toString() ?? '',
  planned: localTime(facts?.plannedMs ?? null),
  secrecy: facts?.confidentiality ?? 'internal',
  required: facts ? String(facts.requiredAngles) : '',
  squadIds: facts?.squads.map(({ squadId }) => squadId) ?? [],
  officers: facts?.officers ?? [],
  angles,
});

/** The field that cannot be so, by its name in the API; null: the hub may be asked. */
export function wrongField(form: FactsForm): string | null {
  if (form.name.trim() === '') return 'name';
  for (const [field, most] of [
    ['latitude', 90],
    ['longitude', 180],
  ] as const)
    if (form[field].trim() !== '' && !(Math.abs(Number(form[field])) <= most)) return field;
  if ((form.latitude.trim() === '') !== (form.longitude.trim() === '')) return form.latitude.trim() === '' ? 'latitude' : 'longitude';
  if (form.required !== '' && !(Number(form.required) >= 1 && Number(form.required) <= 20)) return 'requiredAngles';
  return null;
}

/** As the hub takes it. `before`: as the form found it. */
export function factsOf(form: FactsForm, before: OperationFacts | null): GivenFacts & { name: string } {
  const number = (text: string): number | null => (text.trim() === '' ? null : Number(text));
  const plannedMs = form.planned === '' ? null : new Date(form.planned).getTime();
  // minutes are all that a form shows of a time
  const samePlan = before !== null && form.planned === localTime(before.plannedMs);
  return {
    name: oneLine(form.name),
    type: (form.type || null) as OperationType | null,
    caseId: form.caseId || null,
    place: oneLine(form.place) || null,
    latitude: number(form.latitude),
    longitude: number(form.longitude),
    plannedMs: samePlan ? before.plannedMs : plannedMs,
    confidentiality: form.secrecy as Confidentiality,
    officers: form.officers.map(({ personId, name }) => ({ personId, name })),
    ...(form.required === '' ? {} : { requiredAngles: Number(form.required) }),
    // none chosen: of a new one the hub takes the squads of whoever makes it
    ...(form.squadIds.length === 0 && before === null ? {} : { squadIds: form.squadIds }),
  };
}
