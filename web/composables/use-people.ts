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
import { queryOf } from './use-filters.ts';

export const SessionList = z.object({ sessions: z.array(SessionItem) });

/** What an administrator does with people and squads. All throw ApiFailure. */
export const peopleApi = {
  create: (person: z.input<typeof PersonCreate>) => api(PersonCreated, 'POST', '/people', person),
  change: (personId: string, change: PersonChange) => api(Person, 'PUT', `/people/${personId}`, change),
  newPassword: async (personId: string) => (await api(PasswordGiven, 'POST', `/people/${personId}/password`)).password,
  /** Those who may be chosen, by a part of name or badge. */
  find: async (q: string, size: number) => (await api(PeoplePage, 'GET', `/people${queryOf({ state: 'active', q, size })}`)).people,
  revokeToken: (personId: string, tokenId: string) => api(z.null(), 'DELETE', `/people/${personId}/tokens/${tokenId}`),
  revokeTokens: (personId: string) => api(z.null(), 'DELETE', `/people/${personId}/tokens`),
  signOutAll: (personId: string) => api(z.null(), 'DELETE', `/people/${personId}/sessions`),
  createSquad: (name: string) => api(Squad, 'POST', '/squads', { name }),
  renameSquad: (squadId: string, name: string) => api(Squad, 'PUT', `/squads/${squadId}`, { name }),
};

const FIELDS: Record<string, string> = {
  'conflict login': 'people.loginTaken',
  'conflict last-administrator': 'people.lastAdministrator',
  'bad_request login': 'people.badLogin',
  'bad_request name': 'people.noName',
};

/** Which words tell why a person could not be saved. */
export function personProblem(error: unknown): { key: string; params: Record<string, string> } {
  const own = error instanceof ApiFailure ? FIELDS[`${error.code} ${error.field ?? ''}`] : undefined;
  return own ? { key: own, params: {} } : errorKey(error);
}

export function squadProblem(error: unknown): { key: string; params: Record<string, string> } {
  if (error instanceof ApiFailure && error.code === 'conflict') return { key: 'squads.taken', params: {} };
  if (error instanceof ApiFailure && error.code === 'bad_request') return { key: 'squads.noName', params: {} };
  return errorKey(error);
}
