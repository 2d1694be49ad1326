import type { SourceKind } from '../protocol/ids.ts';
import type { TakeMove } from '../protocol/moves.ts';
import type { ChainHead } from './chain.ts';
import type { OperationLine } from './lines.ts';

export type MovedOut = Extract<OperationLine, { type: 'take.moved-out' }>;
export type MovedIn = Extract<OperationLine, { type: 'take.moved-in' }>;

/** A take as its operation's journal knows it. */
export type KnownTake = {
  angleId: string;
  takeId: string;
  sourceKind: SourceKind;
  startMs: number;
  /** Of the first line of its own journal. */
  firstHash: string;
  /** The last line of its own journal; null while it runs. */
  end: ChainHead | null;
  movedIn: MovedIn | null;
  /** It is here no more. */
  movedOut: MovedOut | null;
};

/** Every take that an operation's journal tells of, in that order, moves that came to nothing left out. */
export function knownTakes(lines: OperationLine[]): KnownTake[] {
  const undone = undoneMoves(lines);
  const takes = new Map<string, KnownTake>();
  for (const line of lines) {
    if ('moveId' in line && undone.has(line.moveId)) continue;
    if (line.type === 'take.started') {
      const { angleId, takeId, sourceKind, atMs: startMs, headHash: firstHash } = line;
      takes.set(keyOf(line), { angleId, takeId, sourceKind, startMs, firstHash, end: null, movedIn: null, movedOut: null });
    } else if (line.type === 'take.moved-in') {
      const { angleId, takeId, sourceKind, startMs, firstHash } = line;
      takes.set(keyOf(line), { angleId, takeId, sourceKind, startMs, firstHash, end: headOf(line), movedIn: line, movedOut: null });
    } else if (line.type === 'take.ended' || line.type === 'take.moved-out') {
      const take = takes.get(keyOf(line));
      if (take && line.type === 'take.ended') take.end = headOf(line);
      else if (take && line.type === 'take.moved-out') take.movedOut = line;
    }
  }
  return [...takes.values()];
}

/** The highest number that a take of this angle ever had here: none is given twice, also when the take has left. */
export function lastTakeNumber(lines: OperationLine[], angleId: string): number {
  return lines.reduce(
    (last, line) => ('angleId' in line && 'takeId' in line && line.angleId === angleId ? Math.max(last, Number(line.takeId)) : last),
    0,
  );
}

/** The moves from and to an operation that its journal tells of. A move within the operation is there once. */
export function movesOf(operationId: string, lines: OperationLine[]): TakeMove[] {
  const undone = undoneMoves(lines);
  const moves = new Map<string, TakeMove>();
  for (const line of lines) {
    if ((line.type !== 'take.moved-out' && line.type !== 'take.moved-in') || undone.has(line.moveId)) continue;
    const { moveId, angleId, takeId, atMs, by, reason } = line;
    const here = { operationId, angleId, takeId };
    const places =
      line.type === 'take.moved-out'
        ? { from: here, to: { operationId: line.toOperationId, angleId: line.toAngleId, takeId: line.toTakeId } }
        : { from: { operationId: line.fromOperationId, angleId: line.fromAngleId, takeId: line.fromTakeId }, to: here };
    moves.set(moveId, { moveId, ...places, atMs, by, reason });
  }
  return [...moves.values()];
}

export const undoneMoves = (lines: OperationLine[]): Set<string> =>
  new Set(lines.flatMap((line) => (line.type === 'take.move-undone' ? [line.moveId] : [])));

const AFTER_THE_END: readonly string[] = ['angle.added', 'take.moved-out', 'take.moved-in', 'take.move-undone'];

/** What is wrong with the moves of a journal, and with what stands in it behind its end, in words. */
export function checkMoves(lines: OperationLine[]): string[] {
  const wrong: string[] = [];
  const here = new Map<string, ChainHead | null>();
  const angles = new Set<string>();
  /** By move: what to take back of it when it is undone. */
  const open = new Map<string, (() => void)[]>();
  let over = false;
  for (const line of lines) {
    const refuse = (message: string): void => void wrong.push(`${line.type}: ${message}`);
    if (over && !AFTER_THE_END.includes(line.type) && !(line.type === 'signature' && line.final))
      refuse('comes after the operation was signed as final');
    over ||= line.type === 'signature' && line.final;
    if (line.type === 'angle.added') angles.add(line.angleId);
    else if (line.type === 'take.started') here.set(keyOf(line), null);
    else if (line.type === 'take.ended') here.set(keyOf(line), headOf(line));
    else if (line.type === 'take.moved-out') {
      const key = keyOf(line);
      const end = here.get(key);
      if (end === undefined) refuse(`there is no take ${key} to be moved`);
      else if (end === null) refuse(`take ${key} has not ended`);
      else if (end.seq !== line.headSeq || end.hash !== line.headHash) refuse(`take ${key} ended with another line than this says`);
      here.delete(key);
      if (open.has(line.moveId)) refuse(`move ${line.moveId} is there twice`);
      open.set(line.moveId, [() => here.set(key, end ?? null)]);
    } else if (line.type === 'take.moved-in') {
      const key = keyOf(line);
      if (!angles.has(line.angleId)) refuse(`take ${key} came to an angle that was never added`);
      if (here.has(key)) refuse(`there was a take ${key} already`);
      here.set(key, headOf(line));
      open.set(line.moveId, [...(open.get(line.moveId) ?? []), () => here.delete(key)]);
    } else if (line.type === 'take.move-undone') {
      const steps = open.get(line.moveId);
      if (!steps) refuse(`there is no move ${line.moveId} before it`);
      for (const step of steps ?? []) step();
      open.delete(line.moveId);
    }
  }
  return wrong;
}

const keyOf = ({ angleId, takeId }: { angleId: string; takeId: string }): string => `${angleId}/${takeId}`;
const headOf = ({ headSeq, headHash }: { headSeq: number; headHash: string }): ChainHead => ({ seq: headSeq, hash: headHash });
