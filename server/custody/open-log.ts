import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChainHead } from '../../media/recordings/chain.ts';
import { syncDir } from '../../media/recordings/journal.ts';
import type { LogProblem } from './findings.ts';
import { isSigned, type SignedHead } from './heads.ts';
import type { LineData } from './lines.ts';
import { type LogReport, verifyLog } from './verify-log.ts';

/** Every write is on the disk when it returns. */
const APPEND = constants.O_RDWR | constants.O_APPEND | constants.O_DSYNC | constants.O_CREAT;
const TOLD_PROBLEMS = 5;

export const logFile = (dir: string): string => join(dir, 'custody.ndjson');
export const headFile = (dir: string): string => join(dir, 'head.json');

type Opened = Extract<LineData, { type: 'log.opened' }>;

/** The log's file, ready to be gone on with: it ends with a whole line. */
export type OpenLog = {
  file: FileHandle;
  sizeBytes: number;
  /** What the next line follows. */
  head: ChainHead;
  /** Lines since the last head line. */
  unsigned: number;
  problems: LogProblem[];
  found: Pick<Opened, 'keptSeq' | 'torn' | 'problems' | 'firstProblems'>;
};

/**
 * Open the log, or make it, and read all of it. A torn last line (the hub died as it wrote it, so that nobody was told that it
 * was there) is put aside into a file beside the log. Nothing else is repaired: after a cut the log goes on with the number
 * after the kept head, so that the gap stays for everybody to see. Throws when the disk does not let it.
 */
export async function openLog(dir: string, kept: SignedHead | null): Promise<OpenLog> {
  await mkdir(dir, { recursive: true, mode: 0o750 });
  const path = logFile(dir);
  const trusted = kept && isSigned(kept) ? kept : null;
  const file = await open(path, APPEND, 0o640);
  try {
    await syncDir(dir);
    const report = await verifyLog(path, trusted);
    const torn = report.tornBytes > 0 ? await putAside(dir, file, report) : null;
    const problems = report.problems.filter(({ kind }) => kind !== 'torn');
    const firstProblems = problems.slice(0, TOLD_PROBLEMS).map(({ line, kind, message }) => `line ${line}: ${kind}: ${message}`);
    const head = trusted && trusted.seq > report.head.seq ? { seq: trusted.seq, hash: trusted.hash } : report.head;
    const found = { keptSeq: trusted?.seq ?? null, torn, problems: problems.length, firstProblems };
    return { file, sizeBytes: report.wholeBytes, head, unsigned: head.seq - report.headLineSeq, problems, found };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function putAside(dir: string, log: FileHandle, { wholeBytes, tornBytes }: LogReport): Promise<NonNullable<Opened['torn']>> {
  const bytes = Buffer.alloc(tornBytes);
  await log.read(bytes, 0, tornBytes, wholeBytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const name = `torn-${wholeBytes}-${sha256.slice(0, 16)}`; // the same again where the hub died between the two
  const aside = await open(join(dir, name), 'w', 0o640);
  try {
    await aside.writeFile(bytes);
    await aside.sync();
  } finally {
    await aside.close();
  }
  await syncDir(dir);
  await log.truncate(wholeBytes);
  await log.datasync();
  return { file: name, sizeBytes: tornBytes, sha256 };
}

/** Whether the file is still the one that was opened, and as long as it was left. */
export async function isAsLeft(dir: string, { file, sizeBytes }: OpenLog): Promise<boolean> {
  try {
    const [named, own] = await Promise.all([stat(logFile(dir)), file.stat()]);
    return named.ino === own.ino && named.dev === own.dev && named.size === sizeBytes;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
