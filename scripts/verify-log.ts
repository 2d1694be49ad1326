import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { HubError } from '../media/errors.ts';
import { readHead } from '../server/custody/heads.ts';
import { headFile } from '../server/custody/open-log.ts';
import { verifyLog } from '../server/custody/verify-log.ts';

const SHOWN = 100;

/**
 * Check a copy of a custody log and say what was found; against the kept head that is given, else the one that lies beside
 * it. Returns the exit code: 0 nothing found, 1 something found, 2 it could not be checked.
 */
export async function runVerifyLog(file: string, head: string | undefined, json: boolean): Promise<0 | 1 | 2> {
  const path = resolve(file);
  const beside = headFile(dirname(path));
  const headPath = head === undefined ? (existsSync(beside) ? beside : null) : resolve(head);
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  try {
    const kept = headPath === null ? null : await readHead(headPath); // before the log: a running hub goes on writing
    if (headPath !== null && !kept) throw new HubError('not_found', `${headPath} is not there`);
    const { ok, lines, head: last, signedSeq, problems } = await verifyLog(path, kept);
    say(`${path}: ${ok ? 'verified' : `${problems.length} problems`}, ${lines} lines, head ${last.seq} ${last.hash}`);
    say(kept ? `  against the head ${kept.seq} kept in ${headPath}` : '  without a kept head: lines cut off at the end cannot be seen');
    if (last.seq > signedSeq) say(`  the last ${last.seq - signedSeq} numbers, from ${signedSeq + 1} on, are not signed yet`);
    for (const { line, kind, message } of problems.slice(0, SHOWN)) say(`  line ${line}: ${kind}: ${message}`);
    if (problems.length > SHOWN) say(`  and ${problems.length - SHOWN} more`);
    if (json) say(JSON.stringify({ path, ok, lines, head: last, signedSeq, keptSeq: kept?.seq ?? null, problems }));
    return ok ? 0 : 1;
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}
