import { readdir, rmdir, unlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cause } from '../protocol/ids.ts';
import { takeJournal } from '../recordings/paths.ts';
import { type RepairedTake, repairTake } from './repair-take.ts';

const RETRY_MS = 1000;

/** Repair a take's folder; one that never got as far as a journal line is removed, and null. */
export async function repairOrRemoveTake(dir: string, takeId: string, reason: Cause): Promise<RepairedTake | null> {
  const take = await repairTake(dir, takeId, reason);
  if (take) return take;
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (!names) return null;
  if (names.includes('journal.ndjson')) await unlink(takeJournal(dir));
  await rmdir(dir);
  return null;
}

/**
 * Bring a take to its end that could no longer be written: what is whole of it is kept, hashed and journalled just as
 * after a crash. The disk may still be full, so it is tried until it works or `signal` says that the hub stops; then the
 * repair on the next start does it. Throws only then.
 */
export async function salvageTake(dir: string, takeId: string, reason: Cause, signal: AbortSignal): Promise<RepairedTake | null> {
  for (;;) {
    try {
      return await repairOrRemoveTake(dir, takeId, reason);
    } catch (error) {
      if (signal.aborted) throw error;
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined); // stopping: one last attempt
    }
  }
}
