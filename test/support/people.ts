import { call } from '../../scripts/demo/hub.ts';
import { DEMO_PASSWORD, type HubSession, signIn } from '../../scripts/demo/sign-in.ts';
import { type Person, PersonCreated, type RoleGrant } from '../../server/protocol/people.ts';

type Made = { login: string; name: string; badge?: string; roles: RoleGrant[] };

/** Make somebody, who signs in with the password that was given and chooses another one. */
export async function somebody(
  hub: { url: string },
  made: Made,
  password = DEMO_PASSWORD,
): Promise<{ person: Person; session: HubSession }> {
  const { person, password: given } = await call(hub, PersonCreated, 'POST', '/people', made);
  return { person, session: await signIn(hub.url, made.login, given, password) };
}
