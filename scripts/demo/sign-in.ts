import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { ROLES } from '../../server/protocol/people.ts';

export type HubSession = { url: string; cookie: string; personId: string; login: string; password: string };

/** Whoever this program has signed in as, by the hub's address. */
const sessions = new Map<string, HubSession>();

export const sessionAt = (url: string): HubSession | undefined => sessions.get(new URL(url).origin);
export const keepSession = (session: HubSession): void => void sessions.set(new URL(session.url).origin, session);

/** As `fetch`, with the session of the hub that is asked. */
export function hubFetch(url: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const session = sessionAt(url);
  if (session && !headers.has('cookie')) headers.set('cookie', session.cookie);
  return fetch(url, { ...init, headers });
}

/** What a hub says of its first administrator when it starts; null where there is none to tell of. */
export function firstAdministratorIn(output: string): { login: string; password: string } | null {
  const [, login, password] = /sign in as (\S+) with the one-time password (\S+)/.exec(output) ?? [];
  return login !== undefined && password !== undefined ? { login, password } : null;
}

type Answer = { cookie: string; body: string };
/** The hub is on this machine: its certificate, which its own authority has signed, need not be trusted. */
function ask(url: string, method: string, path: string, cookie: string, body: object): Promise<Answer> {
  const headers = { 'content-type': 'application/json', ...(cookie === '' ? {} : { cookie }) };
  const request = url.startsWith('https') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/api${path}`, { method, headers, agent: false, rejectUnauthorized: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        if ((response.statusCode ?? 500) >= 300) reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
        else resolve({ cookie: response.headers['set-cookie']?.[0]?.split(';')[0] ?? '', body: text });
      });
    });
    sent.once('error', reject);
    sent.end(JSON.stringify(body));
  });
}

/** Sign in; with a password that was given, choose another one (`next`) at once. */
export async function signIn(url: string, login: string, password: string, next?: string): Promise<HubSession> {
  const given = await ask(url, 'POST', '/session', '', { login, password });
  const { person } = JSON.parse(given.body) as { person: { personId: string } };
  // the session of a changed password goes on by another cookie
  const { cookie } = next === undefined ? given : await ask(url, 'PUT', '/session/password', given.cookie, { current: password, next });
  return { url, cookie, personId: person.personId, login, password: next ?? password };
}

/** Of hubs on loopback that a demo, a bench or a test has started for itself, and of nothing else. */
export const DEMO_PASSWORD = 'two walls and a gate';

/**
 * The first administrator, with a password of its own and every role there is: one person who does all, as this program needs it.
 * A data folder that such a program has used before is taken up again.
 */
export async function takeCharge(url: string, output: string): Promise<HubSession> {
  const first = firstAdministratorIn(output);
  const session = first
    ? await signIn(url, first.login, first.password, DEMO_PASSWORD)
    : await signIn(url, 'admin', DEMO_PASSWORD).catch((error: unknown) => {
        throw new Error('this data folder belongs to a hub with people of its own: take another one', { cause: error });
      });
  const roles = ROLES.map((role) => ({ role, squadId: null }));
  await ask(url, 'PUT', `/people/${session.personId}`, session.cookie, { roles });
  keepSession(session);
  return session;
}

/**
 * For pages that are signed in from the start, where this program is or as somebody else:
 * `browser.newContext({ storageState: signedIn(hub.url) })`.
 */
export function signedIn(url: string, session = sessionAt(url)) {
  if (!session) return { cookies: [], origins: [] };
  const [name = '', value = ''] = session.cookie.split('=');
  const kept = { path: '/', expires: -1, httpOnly: true, secure: url.startsWith('https'), sameSite: 'Strict' as const };
  return { cookies: [{ name, value, domain: new URL(url).hostname, ...kept }], origins: [] };
}
