import { HubError } from '../../media/errors.ts';
import type { Context } from '../context.ts';
import { credentials } from '../store/people.ts';
import { checkPassword } from './passwords.ts';

/**
 * Whoever is signed in gives the password once more, before something that would outlast a session left open. `tell`: of a wrong
 * one, and once that there were too many; where the custody log has no line of its own. Throws `unauthorized` (`current`), `too_many`.
 */
export async function requirePassword(
  { store, attempts }: Pick<Context, 'store' | 'attempts'>,
  { login }: { login: string },
  password: string,
  tell: (why: string) => void = () => undefined,
): Promise<void> {
  attempts.note(`password ${login}`, Date.now(), () => tell('too many attempts'));
  const known = await credentials(store, login);
  if (!(await checkPassword(password, known?.passwordHash ?? null))) {
    tell('wrong password');
    throw new HubError('unauthorized', 'this is not your password', { field: 'current' });
  }
  attempts.clear(`password ${login}`);
}
