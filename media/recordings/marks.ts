import type { Mark } from '../protocol/marks.ts';
import type { OperationLine } from './lines.ts';

type MarkLine = Extract<OperationLine, { type: 'mark' | 'mark.labelled' | 'mark.acknowledged' }>;

export const isMarkLine = (line: OperationLine): line is MarkLine => line.type === 'mark' || line.type.startsWith('mark.');

/** What a line makes of the marks so far; null when it speaks of one that no line before it has made, or makes one twice. */
export function afterLine(marks: ReadonlyMap<string, Mark>, line: MarkLine): Mark | null {
  const present = marks.get(line.markId);
  if (line.type === 'mark') {
    if (present) return null;
    const { markId, kind, angleId, by, atMs, receivedMs, text } = line;
    return { markId, kind, angleId, by, atMs, receivedMs, text, acknowledged: null, version: 1 };
  }
  if (!present) return null;
  const version = present.version + 1;
  if (line.type === 'mark.labelled') return { ...present, text: line.text, version };
  return { ...present, acknowledged: { atMs: line.atMs, text: line.text }, version };
}

/** The marks of an operation's journal, by when they were touched. */
export function marksOf(lines: OperationLine[]): Mark[] {
  const marks = new Map<string, Mark>();
  for (const line of lines) {
    const mark = isMarkLine(line) ? afterLine(marks, line) : null;
    if (mark) marks.set(mark.markId, mark);
  }
  return [...marks.values()].toSorted((a, b) => a.atMs - b.atMs);
}

/** What is wrong with the marks of a journal, in words. Whether a line was changed is the chain's matter. */
export function checkMarks(lines: OperationLine[]): string[] {
  const wrong: string[] = [];
  const marks = new Map<string, Mark>();
  const angles = new Set<string>();
  let openedMs = 0;
  for (const line of lines) {
    if (line.type === 'operation.opened') openedMs = line.atMs;
    if (line.type === 'angle.added') angles.add(line.angleId);
    if (!isMarkLine(line)) continue;
    const mark = afterLine(marks, line);
    if (!mark) {
      wrong.push(`${line.type} ${line.markId}: ${line.type === 'mark' ? 'is there twice' : 'there is no such mark before it'}`);
      continue;
    }
    marks.set(mark.markId, mark);
    if (line.type !== 'mark') continue;
    if (line.angleId !== null && !angles.has(line.angleId)) wrong.push(`mark ${line.markId}: is on an angle that was never added`);
    if (line.atMs < openedMs || line.atMs > line.receivedMs) wrong.push(`mark ${line.markId}: lies outside its operation`);
  }
  return wrong;
}
