import { readdirSync } from 'node:fs';
import { readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { HubError } from '../errors.ts';
import { Journal, readJournal } from '../recordings/journal.ts';
import { OperationLine } from '../recordings/lines.ts';
import { lastTakeNumber } from '../recordings/moves.ts';
import { operationJournal } from '../recordings/paths.ts';
import type { Signer } from '../recordings/signer.ts';

export type TakeCounts = { segments: number; frames: number; withheld: number; missing: number };

/** One of the two operations that a take is moved between, live or ended. */
export type MoveSide = {
  operationId: string;
  dir: string;
  /** Resolves when the line is on the disk; it is signed as this journal's lines are. */
  write: (line: OperationLine) => Promise<void>;
  addAngle: (angleId: string, name: string, atMs: number) => Promise<void>;
  /** A number that no take of this angle has, had or will have. */
  nextTakeId: (angleId: string) => string;
  /** A take with so much in it came (1) or left (-1). */
  count: (angleId: string, counts: TakeCounts, sign: 1 | -1) => void;
  close: () => Promise<void>;
};

export const takeIdOf = (number: number): string => String(number).padStart(4, '0');

/**
 * The journal of an operation that nobody writes to, to be gone on with: each line is written together with a signature over
 * it, the final one of an ended operation. A torn line is cut off. Throws `not_found`, `corrupt`.
 */
export async function resumedSide(operationId: string, dir: string, signer: Signer): Promise<MoveSide & { lines: OperationLine[] }> {
  const path = operationJournal(dir);
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new HubError('not_found', `there is no operation ${operationId} on the disk`, { field: 'operationId', cause: error });
  });
  const { lines, head, validBytes, tornBytes } = readJournal(bytes, (value) => OperationLine.parse(value));
  if (tornBytes > 0) await truncate(path, validBytes);
  const journal = await Journal.resume<OperationLine>(path, head);
  const final = lines.some(({ type }) => type === 'operation.ended');
  const write = async (line: OperationLine): Promise<void> => {
    const written = journal.append(line);
    const { seq, hash } = journal.head;
    const signed = journal.append({ type: 'signature', headSeq: seq, headHash: hash, signature: signer.sign(hash), final });
    await Promise.all([written, signed]);
  };
  return {
    operationId,
    dir,
    lines,
    write,
    addAngle: (angleId, name, atMs) => write({ type: 'angle.added', angleId, name, atMs }),
    nextTakeId: (angleId) => takeIdOf(1 + Math.max(lastTakeNumber(lines, angleId), ...foldersOf(join(dir, angleId)))),
    count: () => undefined, // whoever shows an ended operation reads its journals
    close: () => journal.close(),
  };
}

function foldersOf(angleDir: string): number[] {
  try {
    return readdirSync(angleDir).flatMap((name) => (/^[0-9]{4,6}$/.test(name) ? [Number(name)] : []));
  } catch {
    return []; // a new angle
  }
}
