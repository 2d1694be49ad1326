import { createHash, createPublicKey, type KeyObject, verify as verifySignature } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HubError, messageOf } from '../errors.ts';
import { readFragments, readInit } from '../mp4/read.ts';
import { type ChainHead, checkLine, EMPTY_HEAD } from './chain.ts';
import { OperationLine, type SegmentLine, TakeLine } from './lines.ts';
import { parseSegmentFile } from './paths.ts';

/** One thing that is wrong: which file, and what. */
export type Problem = { path: string; message: string };
export type AngleFigures = {
  angleId: string;
  name: string;
  takes: number;
  segments: number;
  /** Counted in the files, not in the journal. */
  frames: number;
  durationMs: number;
  sizeBytes: number;
  /** Worst stated alignment error of its segments. */
  alignmentErrorMs: number;
};
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

const REMOVED = 'is missing: it was removed while the take was recorded';

type Chained<Line> = { line: Line; head: ChainHead };
type Report = (path: string, message: string) => void;

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
  const known = new Set(['operation.ndjson']);
  const angles: AngleFigures[] = [];
  for (const { line } of lines) {
    if (line.type !== 'angle.added') continue;
    const figures = {
      angleId: line.angleId,
      name: line.name,
      takes: 0,
      segments: 0,
      frames: 0,
      durationMs: 0,
      sizeBytes: 0,
      alignmentErrorMs: 0,
    };
    angles.push(figures);
    for (const { line: started } of lines) {
      if (started.type !== 'take.started' || started.angleId !== line.angleId) continue;
      await checkTake({
        dir,
        started,
        operation: lines,
        segmentMs: opened.segmentMs,
        ended,
        figures,
        known,
        hashes,
        report,
        ...(progress ? { progress } : {}),
      });
    }
  }
  for (const path of await listFiles(dir)) if (!known.has(path)) report(path, 'is in no journal');
  const interruptions = interruptionsOf(lines);
  return { ok: problems.length === 0, operationId: opened.operationId, name: opened.name, ended, problems, angles, interruptions, hashes };
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

type TakeCheck = {
  dir: string;
  started: Extract<OperationLine, { type: 'take.started' }>;
  operation: Chained<OperationLine>[];
  segmentMs: number;
  ended: boolean;
  figures: AngleFigures;
  known: Set<string>;
  hashes: Map<string, string>;
  report: Report;
  progress?: (bytes: number) => void;
};

async function checkTake(check: TakeCheck): Promise<void> {
  const { dir, started, operation, ended, figures, known, report } = check;
  const folder = `${started.angleId}/${started.takeId}`;
  const path = `${folder}/journal.ndjson`;
  figures.takes += 1;
  known.add(path);
  const lines = await readChain(dir, path, (value) => TakeLine.parse(value), report);
  if (lines.length === 0) {
    report(
      path,
      `take ${started.takeId} of angle ${started.angleId} is in the operation's journal, but its own journal is missing or empty`,
    );
    return;
  }
  if (lines[0]?.head.hash !== started.headHash) report(path, "line 0: is not the one that the operation's journal knows");
  for (const { line } of operation) {
    if ((line.type !== 'take.head' && line.type !== 'take.ended') || line.angleId !== started.angleId || line.takeId !== started.takeId)
      continue;
    const own = lines[line.headSeq];
    if (!own) report(path, `line ${line.headSeq}: is missing: the journal was cut off, the operation's journal knows this line`);
    else if (own.head.hash !== line.headHash) report(path, `line ${line.headSeq}: is not the one that the operation's journal knows`);
    if (line.type === 'take.ended' && lines.length - 1 > line.headSeq)
      report(path, `line ${line.headSeq + 1}: was added after the take had ended`);
  }
  if (ended && lines.at(-1)?.line.type !== 'take.ended') report(path, 'the take does not end: its last line was cut off');
  await checkFiles(check, folder, lines);
}

async function checkFiles(check: TakeCheck, folder: string, lines: Chained<TakeLine>[]): Promise<void> {
  const { dir, segmentMs, figures, known, hashes, report, progress } = check;
  const closed = new Set(lines.map(({ line }) => (line.type === 'segment' ? line.file : '')));
  const removed = new Set(lines.map(({ line }) => (line.type === 'file.missing' ? line.file : '')));
  const inits = new Map<string, number>();
  let previous: SegmentLine | null = null;
  for (const { line } of lines) {
    if (line.type === 'segment.opened' && !closed.has(line.file) && !check.ended) known.add(`${folder}/${line.file}`); // being written
    if (line.type !== 'init' && line.type !== 'segment') continue;
    const path = `${folder}/${line.file}`;
    known.add(path);
    const bytes = await readChecked(dir, path, line, removed.has(line.file) ? REMOVED : 'is missing', report);
    if (!bytes) continue;
    hashes.set(path, line.sha256);
    figures.sizeBytes += bytes.length;
    progress?.(bytes.length);
    try {
      if (line.type === 'init') {
        const tracks = readInit(bytes);
        inits.set(line.file, tracks.find((track) => track.kind === 'video')?.trackId ?? 0);
        continue;
      }
      checkSegment(line, bytes, inits.get(line.init), segmentMs, previous, (message) => report(path, message));
      figures.frames += countPictures(bytes, inits.get(line.init));
    } catch (error) {
      report(path, messageOf(error));
      continue;
    }
    figures.segments += 1;
    figures.durationMs += line.durationMs;
    figures.alignmentErrorMs = Math.max(figures.alignmentErrorMs, line.alignmentErrorMs);
    previous = line;
  }
}

function checkSegment(
  line: SegmentLine,
  bytes: Buffer,
  trackId: number | undefined,
  segmentMs: number,
  previous: SegmentLine | null,
  report: (message: string) => void,
): void {
  if (trackId === undefined) report(`its initialisation segment ${line.init} comes nowhere before it`);
  const named = parseSegmentFile(line.file);
  if (named?.cell !== line.cell || named.part !== line.part) report(`is named for another cell than ${line.cell}-${line.part}`);
  if (Math.floor(line.startMs / segmentMs) !== line.cell) report(`begins at ${line.startMs}, which is not in cell ${line.cell}`);
  if (Math.abs(line.startMs - line.cell * segmentMs - line.offsetMs) > 0.01) report('its offset does not fit its start');
  if (previous && line.cell * 10_000 + line.part <= previous.cell * 10_000 + previous.part) report('is out of order');
  const { fragments, wholeBytes } = readFragments(bytes);
  if (wholeBytes !== bytes.length) report(`ends with ${bytes.length - wholeBytes} bytes that are no whole fragment`);
  if (fragments.length !== line.fragments) report(`has ${fragments.length} fragments, its journal says ${line.fragments}`);
  const pictures = countPictures(bytes, trackId);
  if (pictures !== line.frames) report(`has ${pictures} pictures, its journal says ${line.frames}`);
}

function countPictures(bytes: Buffer, videoTrackId: number | undefined): number {
  const tracks = readFragments(bytes).fragments.flatMap((fragment) => fragment.tracks);
  return tracks.reduce((sum, track) => sum + (track.trackId === videoTrackId ? track.samples : 0), 0);
}

async function readChecked(
  dir: string,
  path: string,
  line: { sha256: string; sizeBytes: number },
  missing: string,
  report: Report,
): Promise<Buffer | null> {
  let bytes: Buffer;
  try {
    bytes = await readFile(join(dir, path));
  } catch (error) {
    report(path, (error as NodeJS.ErrnoException).code === 'ENOENT' ? missing : `cannot be read: ${messageOf(error)}`);
    return null;
  }
  if (bytes.length !== line.sizeBytes) report(path, `has ${bytes.length} bytes, its journal says ${line.sizeBytes}`);
  if (createHash('sha256').update(bytes).digest('hex') !== line.sha256)
    report(path, 'its SHA-256 is not the one in its journal: it was changed');
  return bytes;
}

/** The lines of a journal as far as its chain holds; where it breaks is reported. */
async function readChain<Line>(dir: string, path: string, parse: (value: unknown) => Line, report: Report): Promise<Chained<Line>[]> {
  let text: string;
  try {
    text = await readFile(join(dir, path), 'utf8');
  } catch (error) {
    report(path, (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is missing' : `cannot be read: ${messageOf(error)}`);
    return [];
  }
  const chained: Chained<Line>[] = [];
  let head = EMPTY_HEAD;
  if (text !== '' && !text.endsWith('\n')) report(path, 'its last line is torn');
  for (const line of text.split('\n').filter((candidate) => candidate !== '')) {
    try {
      const checked = checkLine(head, line);
      head = checked.head;
      chained.push({ line: parse(checked.value), head });
    } catch (error) {
      report(path, error instanceof HubError ? error.message : `line ${head.seq + 1}: ${messageOf(error)}`);
      break;
    }
  }
  return chained;
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

/** Every file under a folder, by its path with forward slashes. */
export async function listFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + (dir.endsWith('/') ? 0 : 1)))
    .toSorted();
}

/** SHA-256 of a file, read as a stream. */
export async function hashFile(path: string): Promise<{ sha256: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk as Buffer);
    sizeBytes += (chunk as Buffer).length;
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}
