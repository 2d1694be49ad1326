import type { ChainHead } from '../../media/recordings/chain.ts';
import type { Disorder, Gap } from './line-order.ts';
import type { PlacedLine } from './read-log.ts';

export type LogProblem = {
  /** Where in the file, from 1; 0 for the kept head itself. */
  line: number;
  /** How many lines of the file, or numbers that are not there. */
  count: number;
  kind: 'changed' | 'removed' | 'inserted' | 'moved' | 'cut' | 'torn' | 'signature' | 'not-json';
  message: string;
};

const span = (word: string, from: number, to: number): string => (from === to ? `${word} ${from}` : `${word}s ${from} to ${to}`);

/** What was done to a log that is not in order: each deed once, by the line where it shows. */
export function findings(disorder: Disorder, lines: number, kept: ChainHead | null): LogProblem[] {
  const { head, strays, straysUncounted } = disorder;
  const problems: LogProblem[] = [];
  /** What may be missing at the end: up to the kept head, or who knows. */
  const end: Gap = { line: lines + 1, from: head.seq + 1, to: Math.max(kept?.seq ?? -1, head.seq), before: head.hash, after: null };
  if (kept && kept.seq > head.seq) end.after = kept.hash;
  const moved = new Map<PlacedLine, Gap>();
  const byHash = indexed(strays, 'hash');
  const byPrev = indexed(strays, 'prev');
  const left = [...disorder.gaps, end].map((gap) => matchMoved(gap, byHash, byPrev, moved));
  const groups = grouped(strays, moved);
  for (const group of groups) if (moved.has(group[0])) problems.push(movedProblem(group, moved.get(group[0]) as Gap));
  const free = new Map(groups.filter(([first]) => !moved.has(first)).map((group) => [(group.at(-1)?.line ?? 0) + 1, group]));
  for (const gap of left) {
    const group = free.get(gap.line);
    if (group && gap.line > lines && gap.to < gap.from && looksChanged(group[0], head)) gap.to = gap.from + group.length - 1;
    const missing = gap.to - gap.from + 1;
    if (missing <= 0) continue;
    if (group) {
      free.delete(gap.line);
      problems.push(changedProblem(group, gap));
      // what is JSON is one line each; anything else may be the rest of several
      gap.from = group.every(({ json }) => json) ? gap.from + group.length : gap.to + 1;
    }
    if (gap.from <= gap.to) problems.push(missingProblem(gap, gap.line > lines));
  }
  for (const group of free.values()) problems.push(insertedProblem(group));
  for (const { line, seq } of disorder.rewritten)
    problems.push({ line, count: 1, kind: 'changed', message: `number ${seq} was changed: the next line follows another one` });
  if (straysUncounted > 0)
    problems.push({
      line: lines,
      count: straysUncounted,
      kind: 'inserted',
      message: `${straysUncounted} more lines have no place in the chain`,
    });
  return problems.sort((a, b) => a.line - b.line);
}

type Index = Map<string, PlacedLine[]>;

function indexed(strays: PlacedLine[], by: 'hash' | 'prev'): Index {
  const index: Index = new Map();
  for (const line of strays) {
    if (!line.sound) continue;
    const same = index.get(line[by]);
    if (same) same.push(line);
    else index.set(line[by], [line]);
  }
  return index;
}

/** Find the strays that belong into a gap, from both its ends, by the hashes; what is left of the gap. */
function matchMoved(gap: Gap, byHash: Index, byPrev: Index, moved: Map<PlacedLine, Gap>): Gap {
  const left = { ...gap };
  const take = (lines: PlacedLine[] | undefined, seq: number): PlacedLine | undefined => {
    const found = lines?.find((line) => line.seq === seq && !moved.has(line));
    if (found) moved.set(found, gap);
    return found;
  };
  for (let need = gap.after; need !== null && left.to >= left.from; left.to -= 1) {
    const found = take(byHash.get(need), left.to);
    if (!found) break;
    need = found.prev;
  }
  for (let before = gap.before; left.from <= left.to || gap.after === null; left.from += 1) {
    const found = take(byPrev.get(before), left.from);
    if (!found) break;
    before = found.hash;
  }
  return left;
}

/** Strays that stand one after another and are of one kind. */
function grouped(strays: PlacedLine[], moved: Map<PlacedLine, Gap>): [PlacedLine, ...PlacedLine[]][] {
  const groups: [PlacedLine, ...PlacedLine[]][] = [];
  for (const line of strays) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    if (group && last?.line === line.line - 1 && moved.get(last) === moved.get(line)) group.push(line);
    else groups.push([line]);
  }
  return groups;
}

/** Of the last line: whether it is the next one with another text, rather than one too many. */
function looksChanged(line: PlacedLine, head: ChainHead): boolean {
  return line.json && (line.seq === head.seq + 1 || line.prev === head.hash);
}

function movedProblem(group: PlacedLine[], gap: Gap): LogProblem {
  const numbers = group.map(({ seq }) => seq);
  const message = `${span('number', Math.min(...numbers), Math.max(...numbers))} moved here from before line ${gap.line}`;
  return { line: group[0]?.line ?? 0, count: group.length, kind: 'moved', message };
}

function changedProblem(group: [PlacedLine, ...PlacedLine[]], { from, to }: Gap): LogProblem {
  const [first] = group;
  const why = first.sound
    ? 'another line stands in its place'
    : first.json
      ? 'the hash does not match the text'
      : 'it is no line of a log any more';
  const last = group.every(({ json }) => json) ? Math.min(to, from + group.length - 1) : to;
  return { line: first.line, count: group.length, kind: 'changed', message: `${span('number', from, last)} was changed: ${why}` };
}

function missingProblem({ line, from, to }: Gap, atEnd: boolean): LogProblem {
  const what = span('number', from, to);
  if (atEnd) return { line, count: to - from + 1, kind: 'cut', message: `${what} cut off at the end: the kept head knows of ${to}` };
  return { line, count: to - from + 1, kind: 'removed', message: `${what} removed before this line` };
}

function insertedProblem(group: [PlacedLine, ...PlacedLine[]]): LogProblem {
  const [first] = group;
  const where = span('line', first.line, first.line + group.length - 1);
  const count = group.length;
  if (group.some(({ json }) => json))
    return { line: first.line, count, kind: 'inserted', message: `${where} inserted: has no place in the chain` };
  return { line: first.line, count, kind: 'not-json', message: `${where} is no line of a log, and has no place in the chain` };
}
