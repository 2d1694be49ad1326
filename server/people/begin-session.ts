import type { Context } from '../context.ts';
import type { CustodyEntry } from '../custody/lines.ts';
import { type Checked, sessionFor } from '../store/person-sessions.ts';

/**
 * The secret of a session for whom `checked` names, with `line` in the custody log before it; null, which the log then has, too,
 * where what was checked was changed meanwhile. Throws `unavailable` when the log cannot be written.
 */
export async function beginSession(
  { store, custody, hub }: Pick<Context, 'store' | 'custody' | 'hub'>,
  line: CustodyEntry,
  checked: Checked,
  from: { address: string; device: string },
): Promise<string | null> {
  await custody.record({ ...line, outcome: 'done' });
  const session = await sessionFor(store, checked, from, hub.nowMs());
  if (session === null) {
    custody.note({ ...line, outcome: 'failed', detail: { why: 'changed meanwhile' } });
    return null;
  }
  hub.emit('signedOut', session.ended);
  return session.secret;
}
