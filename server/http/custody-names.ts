import { namesInReach } from '../devices/choices.ts';
import { type Actor, squadsWith } from '../permission/decide.ts';
import { reachOf } from '../permission/reach.ts';
import type { CustodyLine } from '../protocol/custody.ts';
import { caseNumbers } from '../store/cases.ts';
import type { Store } from '../store/database.ts';
import { deviceSerials } from '../store/devices.ts';
import { angleNames } from '../store/operations.ts';
import { namesOfPeople } from '../store/people.ts';

/**
 * Names of what lines of the custody log name by id: of operations, angles, cases,
 * devices, people and squads, as far as the reader may know of them.
 */
export async function namesOfIds(store: Store, actor: Actor, lines: CustodyLine[]): Promise<Record<string, string>> {
  const ids = [...new Set(lines.flatMap(({ operationId, angleId, subject, detail }) => [operationId, angleId, subject, ...idsIn(detail)]))];
  const named = ids.filter((id) => id !== null);
  if (named.length === 0) return {};
  const operations = await namesInReach(store, actor, named);
  return Object.fromEntries([
    ...operations,
    ...(await angleNames(store, [...operations.keys()], named)),
    ...(await caseNumbers(store, reachOf(actor, 'operation.see'), named)),
    ...(await deviceSerials(store, squadsWith(actor, 'device.see'), named)),
    ...(squadsWith(actor, 'people.see').length > 0 ? await namesOfPeople(store, named) : []),
  ]);
}

/** `squad` and `case`: what a list that was exported was narrowed by. */
const IDS = /Ids?$|^(squad|case)$/;
/** What stands in a line's details under a name of an id. */
function idsIn(detail: unknown, name = ''): string[] {
  if (typeof detail === 'string') return IDS.test(name) ? [detail] : [];
  if (typeof detail !== 'object' || detail === null) return [];
  if (Array.isArray(detail)) return detail.flatMap((each) => idsIn(each, name));
  return Object.entries(detail).flatMap(([key, value]) => idsIn(value, key));
}
