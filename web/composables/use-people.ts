import { z } from 'zod';
import {
  PeoplePage,
  type PersonChange,
  type PersonCreate,
  PasswordGiven,
  Person,
  PersonCreated,
  SessionItem,
  Squad,
} from '../../server/protocol/people.ts';
import { api, ApiFailure, errorKey } from './api.ts';
import { oneLine } from './one-line.ts';
import { queryOf } from './use-filters.ts';

/** As people are told to who manages them. */
const ManagedPage = PeoplePage.extend({ people: z.array(Person) });

export const SessionList = z.object({ sessions: z.array(SessionItem) });

/** What an administrator does with people and squads. All throw ApiFailure. */
export const peopleApi = {
  /** As somebody is now. */
  read: async ({ personId, login }: Pick<Person, 'personId' | 'login'>): Promise<Person> => {
    const { people } = await api(ManagedPage, 'GET', `/people?size=200&q=${encodeURIComponent(login)}`);
    const found = people.find((each) => each.personId === personId);
    if (!found) throw new ApiFailure('not_found', `there is no ${login}`, 'personId');
    return found;
  },
  create: (person: z.input<typeof PersonCreate>) => api(PersonCreated, 'POST', '/people', person),
  change: (personId: string, change: PersonChange) => api(Person, 'PUT', `/people/${personId}`, change),
  newPassword: async (personId: string) => (await api(PasswordGiven, 'POST', `/people/${personId}/password`)).password,
  /** Those who may be chosen, by a part of name or badge. */
  find: async (q: string, size: number) => (await api(PeoplePage, 'GET', `/people${queryOf({ state: 'active', q, size })}`)).people,
  revokeToken: (personId: string, tokenId: string) => api(z.null(), 'DELETE', `/people/${personId}/tokens/${tokenId}`),
  revokeTokens: (personId: string) => api(z.null(), 'DELETE', `/people/${personId}/tokens`),
  signOutAll: (personId: string) => api(z.null(), 'DELETE', `/people/${personId}/sessions`),
  createSquad: (name: string) => api(Squad, 'POST', '/squads', { name: oneLine(name) }),
  renameSquad: (squadId: string, name: string) => api(Squad, 'PUT', `/squads/${squadId}`, { name: oneLine(name) }),
};

/** The words of the form for the fields that the hub names, and for what it refuses. */
export const PERSON_FIELDS: Record<string, string> = {
  login: 'people.login',
  name: 'people.name',
  badge: 'people.badge',
  roles: 'people.roles',
};
export const PERSON_REFUSALS: Record<string, string> = {
  'conflict login': 'people.loginTaken',
  'conflict last-administrator': 'people.lastAdministrator',
  'bad_request login': 'people.badLogin',
  'bad_request name': 'people.badName',
};

export function squadProblem(error: unknown): { key: string; params: Record<string, string> } {
  if (error instanceof ApiFailure && error.code === 'conflict') return { key: 'squads.taken', params: {} };
  if (error instanceof ApiFailure && error.code === 'bad_request') return { key: 'squads.badName', params: {} };
  return errorKey(error);
}
