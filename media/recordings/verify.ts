import { createPublicKey, type KeyObject, verify as verifySignature } from 'node:crypto';
import { messageOf } from '../errors.ts';
import { checkAngles, knownAngles } from './angles.ts';
import { OperationLine } from './lines.ts';
import { checkMarks } from './marks.ts';
import { checkMessages } from './messages.ts';
import { checkMoves, type KnownTake, knownTakes } from './moves.ts';
import { checkStills, stillsOf } from './stills.ts';
import { checkTalks } from './talks.ts';
import { type Chained, listFiles, readChain, type Report } from './verify-files.ts';
import { type AngleFigures, checkTake } from './verify-take.ts';

/** One thing that is wrong: which file, and what. */
export type Problem = { path: string; message: string };
export type InterruptionFigures = { angleId: string; startMs: number; endMs: number | null; cause: string };
export type VerifyReport = {
  ok: boolean;
  operationId: string;
  name: string;
  ended: boolean;
  problems: Problem[];
  angles: AngleFigures[];
  interruptions: InterruptionFigures[];
  /** SHA-256 of every file read, by its path under the operation's folder. */
  hashes: Map<string, string>;
};

/**
 * Check a whole operation folder by reading everything in it: both journals' chains and signatures, the take heads in
 * the operation's journal against the takes' own journals, every file's hash, size, frames and place on the grid, and
 * that nothing is there that no journal knows. Every problem found is named; nothing is written.
 */
export async function verifyOperation(dir: string, progress?: (bytes: number) => void): Promise<VerifyReport> {
  const problems: Problem[] = [];
  const report: Report = (path, message) => problems.push({ path, message });
  const hashes = new Map<string, string>();
  const lines = await readChain(dir, 'operation.ndjson', (value) => OperationLine.parse(value), report);
  const opened = lines[0]?.line;
  if (opened?.type !== 'operation.opened') {
    report('operation.ndjson', 'does not begin with the opening of an operation');
    return { ok: false, operationId: '', name: '', ended: false, problems, angles: [], interruptions: [], hashes };
  }
  const ended = checkEnd(lines, report);
  checkSignatures(lines, opened.publicKey, report);
  const own = lines.map(({ line }) => line);
  for (const message of [...checkAngles(own), ...checkMarks(own), ...checkMessages(own), ...checkTalks(own), ...checkMoves(own)])
    report('operation.ndjson', message);
  const known = new Set(['operation.ndjson']);
  const files = await listFiles(dir);
  const takes = knownTakes(own);
  for (const take of takes) if (take.movedOut) checkLeft(take, files, known, report);
  const angles: AngleFigures[] = [];
  for (const [angleId, name] of knownAngles(own)) {
    const figures = {
      angleId,
      name,
      takes: 0,
      segments: 0,
      frames: 0,
      durationMs: 0,
      sizeBytes: 0,
      alignmentErrorMs: 0,
    };
    angles.push(figures);
    for (const take of takes) {
      if (take.movedOut || take.angleId !== angleId) continue;
      const facts = { dir, take, operation: lines, segmentMs: opened.segmentMs, ended, figures, known, hashes, report };
      await checkTake({ ...facts, ...(progress ? { progress } : {}) });
    }
  }
  await checkStills(dir, stillsOf(own), known, hashes, report);
  for (const path of files) if (!known.has(path)) report(path, 'is in no journal');
  const interruptions = interruptionsOf(lines);
  return { ok: problems.length === 0, operationId: opened.operationId, name: opened.name, ended, problems, angles, interruptions, hashes };
}

/** Of a take that was moved away nothing may be left. */
function checkLeft({ angleId, takeId, movedOut }: KnownTake, files: string[], known: Set<string>, report: Report): void {
  const left = files.filter((path) => path.startsWith(`${angleId}/${takeId}/`));
  for (const path of left) known.add(path);
  const where = movedOut ? `${movedOut.toOperationId}/${movedOut.toAngleId}/${movedOut.toTakeId}` : '';
  if (left.length > 0) report(`${angleId}/${takeId}`, `was moved to ${where}, but is still here with ${left.length} files`);
}

/** An ended operation's journal closes with a final signature; without one its last lines may have been cut off. */
function checkEnd(lines: Chained<OperationLine>[], report: Report): boolean {
  const last = lines.at(-1)?.line;
  const final = last?.type === 'signature' && last.final;
  const ended = lines.some(({ line }) => line.type === 'operation.ended');
  if (ended && !final) report('operation.ndjson', 'the operation has ended, but the final signature is missing: its last line was cut off');
  if (final && !ended) report('operation.ndjson', 'is signed as final, but the end of the operation is missing');
  return ended;
}

function checkSignatures(lines: Chained<OperationLine>[], publicKey: string, report: Report): void {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
  } catch (error) {
    report('operation.ndjson', `line 0: the public key cannot be read: ${messageOf(error)}`);
    return;
  }
  lines.forEach(({ line, head }, i) => {
    if (line.type !== 'signature') return;
    const before = lines[i - 1]?.head;
    if (before?.seq !== line.headSeq || before.hash !== line.headHash)
      report('operation.ndjson', `line ${head.seq}: signs another line than the one before it`);
    if (!verifySignature(null, Buffer.from(line.headHash, 'ascii'), key, Buffer.from(line.signature, 'base64')))
      report('operation.ndjson', `line ${head.seq}: the signature is not valid`);
  });
}

function interruptionsOf(lines: Chained<OperationLine>[]): InterruptionFigures[] {
  const found = new Map<string, InterruptionFigures>();
  for (const { line } of lines) {
    if (line.type !== 'interruption.opened' && line.type !== 'interruption.closed') continue;
    const { interruptionId, angleId, startMs, cause } = line;
    found.set(interruptionId, { angleId, startMs, endMs: line.type === 'interruption.closed' ? line.endMs : null, cause });
  }
  return [...found.values()];
}
