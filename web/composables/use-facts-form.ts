import type { Confidentiality, OperationType } from '../../server/protocol/cases.ts';
import type { GivenFacts, OperationFacts } from '../../server/protocol/operations.ts';
import type { Person } from '../../server/protocol/people.ts';

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
  officers: string[];
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
  officers: facts?.officers.map(({ name }) => name) ?? [],
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

/**
 * As the hub takes it. An officer is one of the hub's people when exactly one has that name, or when he was before (`before`);
 * anybody else is a name.
 */
export function factsOf(form: FactsForm, people: Person[], before: OperationFacts | null): GivenFacts & { name: string } {
  const number = (text: string): number | null => (text.trim() === '' ? null : Number(text));
  const known = [...(before?.officers ?? [])];
  const personOf = (name: string): string | null => {
    const at = known.findIndex((each) => each.name === name);
    // each of two that have one name is somebody else
    const [was] = at === -1 ? [] : known.splice(at, 1);
    if (was) return was.personId;
    const [one, other] = people.filter((each) => each.name === name);
    return one && !other ? one.personId : null;
  };
  const plannedMs = form.planned === '' ? null : new Date(form.planned).getTime();
  // minutes are all that a form shows of a time
  const samePlan = before !== null && form.planned === localTime(before.plannedMs);
  return {
    name: form.name.trim(),
    type: (form.type || null) as OperationType | null,
    caseId: form.caseId || null,
    place: form.place.trim() || null,
    latitude: number(form.latitude),
    longitude: number(form.longitude),
    plannedMs: samePlan ? before.plannedMs : plannedMs,
    confidentiality: form.secrecy as Confidentiality,
    officers: form.officers.map((name) => ({ personId: personOf(name), name })),
    ...(form.required === '' ? {} : { requiredAngles: Number(form.required) }),
    // none chosen: of a new one the hub takes the squads of whoever makes it
    ...(form.squadIds.length === 0 && before === null ? {} : { squadIds: form.squadIds }),
  };
}
