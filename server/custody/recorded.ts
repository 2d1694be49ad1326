import { failure } from '../http/errors.ts';
import type { CustodyEntry } from './lines.ts';
import type { CustodyLog } from './log.ts';

/** What is decided stands in the log before it is so; should it come to nothing, the log says that, too. Throws `unavailable`, and what `act` throws. */
export async function recorded<T>(log: Pick<CustodyLog, 'record' | 'note'>, line: CustodyEntry, act: () => T | Promise<T>): Promise<T> {
  await log.record(line);
  try {
    return await act();
  } catch (error) {
    log.note({ ...line, outcome: 'failed', detail: failure(error) });
    throw error;
  }
}
