import { readdir, readFile, truncate, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { HubError } from '../errors.ts';
import type { Interruption } from '../protocol/state.ts';
import { TALK_ANGLE } from '../protocol/talk.ts';
import { knownAngles } from '../recordings/angles.ts';
import { Journal, type Patience, readJournal } from '../recordings/journal.ts';
import { OperationLine } from '../recordings/lines.ts';
import { type KnownTake, knownTakes, lastTakeNumber } from '../recordings/moves.ts';
import { operationJournal, takeDir } from '../recordings/paths.ts';
import { stillsOf, unknownStills } from '../recordings/stills.ts';
import type { RepairedTake } from './repair-take.ts';
import type { KnownAngle } from './known-angle.ts';
import { repairOrRemoveTake } from './salvage.ts';
import type { Signer } from '../recordings/signer.ts';

/** A take's folder, and whether it was recorded elsewhere. */
type FoundTake = RepairedTake & { movedIn: boolean };

export type Restored = {
  name: string;
  openedMs: number;
  segmentMs: number;
  journal: Journal<OperationLine>;
  /** What the operation's journal said before. */
  lines: OperationLine[];
  angles: (KnownAngle & { angleId: string; name: string })[];
  /** Interruptions that the hub's own absence caused. */
  newInterruptions: Interruption[];
};

/**
 * Take up an operation whose hub died or was stopped. Null when there is none; throws `gone` when it has ended (ending
 * it properly where the hub died in the act), `corrupt` when its journal was tampered with. Its journal stays open, and has `patience` with a full disk.
 */
export async function repairOperation(
  dir: string,
  signer: Signer,
  nowMs: number,
  patience: Patience | null = null,
): Promise<Restored | null> {
  const path = operationJournal(dir);
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (!bytes) return null;
  const read = readJournal(bytes, (value) => OperationLine.parse(value));
  const opened = read.lines[0];
  if (opened?.type !== 'operation.opened') {
    await unlink(path); // the hub died before the first line: nothing had begun
    return null;
  }
  if (read.tornBytes > 0) await truncate(path, read.validBytes);
  const journal = await Journal.resume<OperationLine>(path, read.head, patience);
  const ended = read.lines.some((line) => line.type === 'operation.ended');
  if (ended) await refuseEnded(read.lines, journal, signer);
  const angles: Restored['angles'] = [];
  const newInterruptions: Interruption[] = [];
  let clean = read.tornBytes === 0;
  for (const [angleId, name] of knownAngles(read.lines)) {
    const takes = await repairTakes(dir, angleId, read.lines, journal);
    for (const file of await unknownStills(dir, angleId, stillsOf(read.lines))) await unlink(join(dir, angleId, file));
    if (takes.some((take) => take.repaired)) clean = false;
    angles.push({ angleId, name, ...known(angleId, takes, read.lines) });
  }
  await journal.append({ type: 'hub.restarted', atMs: nowMs, clean });
  for (const angle of angles) {
    if (angle.open || angle.firstMediaMs === null || angle.angleId === TALK_ANGLE) continue;
    angle.interruptions += 1;
    const startMs = angle.lastMediaMs ?? angle.firstMediaMs;
    angle.open = {
      id: `${angle.angleId}-${angle.interruptions}`,
      angleId: angle.angleId,
      startMs,
      endMs: null,
      cause: clean ? 'hub-stopped' : 'hub-crashed',
    };
    await journal.append({
      type: 'interruption.opened',
      interruptionId: angle.open.id,
      angleId: angle.angleId,
      startMs,
      cause: angle.open.cause,
    });
    newInterruptions.push(angle.open);
  }
  await sign(journal, signer, false);
  const { name, atMs: openedMs, segmentMs } = opened;
  return { name, openedMs, segmentMs, journal, lines: read.lines, angles, newInterruptions };
}

/** Operations that were not ended when the hub went away, and those, live or not, whose journals tell of takes that were moved. */
export async function surveyOperations(
  recordingsDirPath: string,
): Promise<{ live: { operationId: string; name: string }[]; withMoves: string[] }> {
  const live: { operationId: string; name: string }[] = [];
  const withMoves: string[] = [];
  const names = await readdir(recordingsDirPath).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const operationId of names) {
    const bytes = await readFile(operationJournal(join(recordingsDirPath, operationId))).catch(() => null);
    if (!bytes) continue;
    const text = bytes.toString('utf8');
    if (text.includes('"type":"take.moved-')) withMoves.push(operationId);
    const [first = ''] = text.split('\n', 1);
    // a last line without its newline is torn, whatever it says
    if (!text.endsWith('\n') || !text.trimEnd().split('\n').at(-1)?.includes('"final":true')) {
      const parsed = OperationLine.safeParse(safeJson(first));
      if (parsed.success && parsed.data.type === 'operation.opened') live.push({ operationId, name: parsed.data.name });
    }
  }
  return { live, withMoves };
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // a torn first line: nothing had begun
  }
}

async function refuseEnded(lines: OperationLine[], journal: Journal<OperationLine>, signer: Signer): Promise<never> {
  const last = lines.at(-1);
  if (!(last?.type === 'signature' && last.final)) await sign(journal, signer, true);
  await journal.close();
  throw new HubError('gone', 'the operation has ended', { field: 'operationId' });
}

async function sign(journal: Journal<OperationLine>, signer: Signer, final: boolean): Promise<void> {
  const { seq, hash } = journal.head;
  await journal.append({ type: 'signature', headSeq: seq, headHash: hash, signature: signer.sign(hash), final });
}

/** Repair each take's folder, and enter into the operation's journal what it had not yet heard of. */
async function repairTakes(dir: string, angleId: string, lines: OperationLine[], journal: Journal<OperationLine>): Promise<FoundTake[]> {
  const moved = new Map(knownTakes(lines).flatMap((take) => (take.angleId === angleId ? [[take.takeId, take] as const] : [])));
  const names = await readdir(join(dir, angleId)).catch(() => []);
  const takes: FoundTake[] = [];
  for (const takeId of names.filter((name) => /^[0-9]{4,6}$/.test(name)).toSorted()) {
    const { movedIn = null, movedOut = null } = moved.get(takeId) ?? {};
    if (movedOut) continue; // its move could not be settled
    const take = await repairOrRemoveTake(takeDir(dir, angleId, takeId), takeId, 'hub-crashed');
    if (!take) continue;
    if (movedIn) {
      takes.push({ ...take, movedIn: true });
      continue;
    }
    const mine = lines.filter((line) => 'takeId' in line && 'angleId' in line && line.angleId === angleId && line.takeId === takeId);
    if (!mine.some((line) => line.type === 'take.started')) {
      await journal.append({
        type: 'take.started',
        angleId,
        takeId,
        sourceKind: take.sourceKind,
        atMs: take.startMs,
        headHash: take.firstHash,
      });
    }
    if (!mine.some((line) => line.type === 'take.ended')) {
      take.repaired = true;
      await journal.append({
        type: 'take.ended',
        angleId,
        takeId,
        atMs: take.endMs,
        reason: take.reason,
        headSeq: take.head.seq,
        headHash: take.head.hash,
      });
    }
    takes.push({ ...take, movedIn: false });
  }
  return takes;
}

function endOf({ angleId, takeId, startMs }: KnownTake, lines: OperationLine[]): number {
  for (const line of lines) if (line.type === 'take.ended' && line.angleId === angleId && line.takeId === takeId) return line.atMs;
  return startMs;
}

/** What the journals know of an angle. */
function known(angleId: string, takes: FoundTake[], lines: OperationLine[]): KnownAngle {
  const own = takes.filter(({ movedIn }) => !movedIn);
  const segments = own.flatMap((take) => take.segments);
  // a take that was moved away was filmed here, by mistake or not: when media were due does not change by that
  const left = knownTakes(lines).filter((take) => take.angleId === angleId && take.movedOut && !take.movedIn);
  const startsMs = [...own, ...left].map(({ startMs }) => startMs);
  const endsMs = [...own.map(({ endMs }) => endMs), ...left.map((take) => endOf(take, lines))];
  const last = segments.at(-1);
  const opens = lines.filter((line) => line.type === 'interruption.opened' && line.angleId === angleId);
  const closed = new Set(lines.filter((line) => line.type === 'interruption.closed').map((line) => line.interruptionId));
  const open = opens.findLast((line) => line.type === 'interruption.opened' && !closed.has(line.interruptionId));
  const sum = (key: 'frames' | 'withheld' | 'missing'): number => takes.reduce((total, take) => total + take.totals[key], 0);
  return {
    takes: Math.max(lastTakeNumber(lines, angleId), ...takes.map((take) => Number(take.takeId))),
    firstMediaMs: startsMs.length === 0 ? null : Math.min(...startsMs),
    lastMediaMs: endsMs.length === 0 ? null : Math.max(...endsMs),
    parts: segments.map(({ cell, part }) => ({ cell, part })),
    segments: takes.reduce((total, take) => total + take.segments.length, 0),
    frames: sum('frames'),
    missing: sum('missing'),
    withheld: sum('withheld'),
    interruptions: opens.length,
    open:
      open?.type === 'interruption.opened'
        ? { id: open.interruptionId, angleId, startMs: open.startMs, endMs: null, cause: open.cause }
        : null,
    sourceKind: own.at(-1)?.sourceKind ?? null,
    alignment: last ? { errorMs: last.alignmentErrorMs, method: last.method } : null,
  };
}
