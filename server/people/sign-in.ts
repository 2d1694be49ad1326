import { HubError } from '../../media/errors.ts';
import { Attempts } from '../auth/attempts.ts';
import type { Context } from '../context.ts';
import { newId } from '../live/new-angle.ts';
import { credentials, hasPeople, insertPerson, setPassword, takeTotpStep, unusedAdministrator } from '../store/people.ts';
import { beginSession } from './begin-session.ts';
import { checkPassword, hashPassword, oneTimePassword } from './passwords.ts';
import { totpStep } from './totp.ts';

/** So long a password that was given can be used to choose another one. */
const GIVEN_MS = 7 * 86_400_000;

/** Whoever knows the password may not try every code. */
const codes = new Attempts(10, 15 * 60_000, 'codes');

type Tried = { login: string; password: string; code?: string | undefined };

/**
 * A session for whoever knows login and password, and the authenticator's code where one is set up. Throws `too_many` after ten
 * tries a minute with a login, sixty from an address, which is often a whole brigade's, or ten codes in a quarter of an hour;
 * `unauthorized` with the field `sign-in` (which never says what was wrong), `code`, or `given-expired` (a right one-time
 * password that is too old).
 */
export async function signIn(
  context: Context,
  { login, password, code }: Tried,
  from: { address: string; device: string },
): Promise<string> {
  const { store, custody, attempts, signIns, hub } = context;
  const key = `login ${login.toLowerCase()}`;
  const who = { kind: 'person' as const, id: null as string | null, name: login.slice(0, 100), address: from.address };
  const tell = (why: string) => (): void => custody.note({ what: 'sign-in', who, outcome: 'refused', detail: { why } });
  const refuse = (why: string, error: HubError): HubError => {
    tell(why)();
    return error;
  };
  // those before it stand in the log, and that there were too many: who goes on may not fill it
  signIns.note(from.address, Date.now(), tell('too many attempts'));
  attempts.note(key, Date.now(), tell('too many attempts'));
  const known = await credentials(store, login);
  const right = await checkPassword(password, known?.passwordHash ?? null);
  if (!known || !right || known.state !== 'active')
    throw refuse(known?.state === 'blocked' && right ? 'blocked' : 'wrong login or password', wrong());
  who.id = known.personId;
  if (known.givenMs !== null && hub.nowMs() - known.givenMs > GIVEN_MS)
    throw refuse(
      'one-time password expired',
      new HubError('unauthorized', 'this one-time password has expired', { field: 'given-expired' }),
    );
  const asksCode = known.totpSecret !== null && known.totpStep !== null;
  if (known.totpSecret !== null && asksCode) {
    if (code === undefined || code === '')
      throw refuse('code asked for', new HubError('unauthorized', "the authenticator's code is needed", { field: 'code' }));
    codes.note(known.personId, Date.now(), tell('too many attempts'));
    const step = totpStep(known.totpSecret, code, Date.now());
    if (step === null || !(await takeTotpStep(store, known.personId, step)))
      throw refuse('wrong code', new HubError('unauthorized', "this is not the authenticator's code now", { field: 'code' }));
  }
  const detail = { device: from.device, with: asksCode ? 'password and code' : 'password' };
  const secret = await beginSession(context, { what: 'sign-in', who: { ...who, name: known.name }, detail }, known, from);
  if (secret === null) throw wrong();
  attempts.clear(key);
  codes.clear(known.personId);
  return secret;
}

const LOGIN = 'admin';

const wrong = (): HubError => new HubError('unauthorized', 'login or password is wrong', { field: 'sign-in' });

/**
 * A hub that knows nobody gets its first administrator, with a password that is told at the start and must be changed at the
 * first sign-in; until that has been done each start tells another one. Null where there is nothing to tell.
 */
export async function firstAdministrator({
  store,
  custody,
  hub,
}: Pick<Context, 'store' | 'custody' | 'hub'>): Promise<{ login: string; password: string } | null> {
  const waiting = await unusedAdministrator(store);
  if (waiting === null && (await hasPeople(store))) return null;
  const password = oneTimePassword();
  const passwordHash = await hashPassword(password);
  const who = { kind: 'hub' as const, id: null, name: null, address: null };
  const detail = { login: LOGIN, roles: ['administrator'] };
  const personId = waiting ?? newId('pe');
  await custody.record({ what: waiting === null ? 'person.made' : 'person.password', who, subject: personId, outcome: 'done', detail });
  if (waiting === null) {
    const roles = [{ role: 'administrator' as const, squadId: null }];
    const person = { personId, login: LOGIN, name: 'Administrator', badge: null, roles, passwordHash };
    await insertPerson(store, person, hub.nowMs());
  } else await setPassword(store, personId, passwordHash, hub.nowMs());
  return { login: LOGIN, password };
}
