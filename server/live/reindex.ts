import type { Logger } from 'pino';
import { HubError } from '../../media/errors.ts';
import { operationDir } from '../../media/recordings/paths.ts';
import { readOperation } from '../../media/recordings/read.ts';
import type { Store } from '../store/database.ts';
import { saveMark } from '../store/marks.ts';
import { saveMessage } from '../store/messages.ts';
import { markEnded, saveInterruption } from '../store/operations.ts';
import { saveRecordedTakes } from '../store/recorded-takes.ts';
import { saveRecordedNames } from '../store/planned-angles.ts';
import { saveStill } from '../store/stills.ts';

/** Learn from an operation's journals what the store has missed. When it ended, hub time; null where it has not, or cannot be read. */
export async function reindex(store: Store, dataDir: string, operationId: string, log: Logger): Promise<number | null> {
  try {
    const recorded = await readOperation(operationDir(dataDir, operationId));
    await saveRecordedNames(store, recorded);
    await saveRecordedTakes(store, recorded);
    for (const interruption of recorded.interruptions) await saveInterruption(store, operationId, interruption);
    for (const mark of recorded.marks) await saveMark(store, operationId, mark);
    for (const still of recorded.stills) await saveStill(store, operationId, still);
    for (const message of recorded.messages) await saveMessage(store, operationId, message);
    if (recorded.endedMs !== null) await markEnded(store, operationId, recorded.endedMs);
    return recorded.endedMs;
  } catch (error) {
    if (error instanceof HubError && error.code === 'not_found') return null; // nothing was recorded yet
    log.error({ err: error, operationId }, 'the journals cannot be read');
    return null;
  }
}
