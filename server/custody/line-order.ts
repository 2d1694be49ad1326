import { EMPTY_HEAD, type ChainHead } from '../../media/recordings/chain.ts';
import type { PlacedLine } from './read-log.ts';

/** How many lines are looked ahead, and back, when one does not follow: a longer insertion is found, too, but named less well. */
const REACH = 1024;
/** So many strays are kept to tell moved lines from inserted ones; the rest are counted. */
const MAX_STRAYS = 100_000;

/** Numbers that are missing before a line of the file: the first of them follows `before`, the last has the hash `after`, where known. */
export type Gap = { line: number; from: number; to: number; before: string; after: string | null };

/** What does not follow in a log, before it is told what was done. */
export type Disorder = {
  head: ChainHead;
  gaps: Gap[];
  /** Lines with no place where they stand, in the order of the file. */
  strays: PlacedLine[];
  straysUncounted: number;
  /** Lines that have a right hash, but not the one that the next line says it follows. */
  rewritten: PlacedLine[];
  /** The line with the number of the kept head, where there is one. */
  keptLine: PlacedLine | null;
};

const follows = (head: ChainHead, line: PlacedLine): boolean => line.sound && line.seq === head.seq + 1 && line.prev === head.hash;

/**
 * Puts the lines of a log in order, one after another, in bounded memory: which make up the chain, which have no place in
 * it, and which numbers are missing. After a line that does not follow it finds the chain again, so that one deed does not
 * spoil what comes after.
 */
export class LineOrder {
  #head: ChainHead = EMPTY_HEAD;
  readonly #kept: ChainHead | null;
  /** The last lines that were taken into the chain. */
  #taken: PlacedLine[] = [];
  /** From a line that does not follow on, what has been read and not judged yet. */
  readonly #ahead: PlacedLine[] = [];
  readonly #gaps: Gap[] = [];
  readonly #strays: PlacedLine[] = [];
  #straysUncounted = 0;
  readonly #rewritten: PlacedLine[] = [];
  #keptLine: PlacedLine | null = null;

  /** @param kept a head that the log is known to have had. */
  constructor(kept: ChainHead | null) {
    this.#kept = kept;
  }

  push(line: PlacedLine): void {
    if (this.#ahead.length === 0 && follows(this.#head, line)) return this.#take(line);
    this.#ahead.push(line);
    if (this.#ahead.length > REACH) this.#judge();
  }

  end(): Disorder {
    while (this.#ahead.length > 0) this.#judge();
    return {
      head: this.#head,
      gaps: this.#gaps,
      strays: this.#strays.sort((a, b) => a.line - b.line),
      straysUncounted: this.#straysUncounted,
      rewritten: this.#rewritten,
      keptLine: this.#keptLine,
    };
  }

  /** Say of the first line ahead what it is; then go on with those that follow. */
  #judge(): void {
    const ahead = this.#ahead;
    const next = ahead.findIndex((line) => follows(this.#head, line));
    if (next > 0 && !this.#cameLater(next)) this.#stray(ahead.splice(0, next));
    else if (!ahead[0]?.sound) {
      const sound = ahead.findIndex((line) => line.sound);
      this.#stray(ahead.splice(0, sound < 0 ? ahead.length : sound));
    } else this.#place(ahead[0], ahead[1]);
    let count = 0;
    for (let line = ahead[0]; line && follows(this.#head, line); line = ahead[count]) {
      this.#take(line);
      count += 1;
    }
    ahead.splice(0, count);
  }

  /** Whether the line that follows, `next` lines ahead, was moved there past a longer row: then that row is no stray. */
  #cameLater(next: number): boolean {
    const row = this.#ahead.slice(0, next);
    const last = row.at(-1);
    if (!last || !row.every((line, i) => i === 0 || follows(row[i - 1] ?? EMPTY_HEAD, line))) return false;
    let end = next + 1;
    for (let line = this.#ahead[end]; line && follows(this.#ahead[end - 1] ?? EMPTY_HEAD, line); line = this.#ahead[end]) end += 1;
    const after = this.#ahead[end];
    return end - next < next && (after === undefined || follows(last, after));
  }

  /** A sound line that does not follow, while none ahead does. */
  #place(line: PlacedLine, next: PlacedLine | undefined): void {
    const isFollowed = next !== undefined && follows(line, next);
    const forked = this.#forked(line);
    const last = this.#taken.at(-1);
    if (forked > 0 && (isFollowed || line.hash === this.#kept?.hash || (!next && forked === 1))) this.#giveBack(forked);
    else if (line.seq === this.#head.seq + 1 && (isFollowed || !next)) this.#rewritten.push(last ?? line);
    else if (line.seq <= this.#head.seq + 1) return this.#stray(this.#ahead.splice(0, 1));
    else if (!isFollowed && next?.sound && next.seq === this.#head.seq + 2)
      return this.#stray(this.#ahead.splice(0, 1)); // stands in another's place
    else if (this.#comesBack()) return;
    else this.#gaps.push({ line: line.line, from: this.#head.seq + 1, to: line.seq - 1, before: this.#head.hash, after: line.prev });
    this.#take(line);
    this.#ahead.shift();
  }

  /** How many lines were taken since the chain came to where this line follows, when another followed there; 0: it did not. */
  #forked(line: PlacedLine): number {
    const at = line.seq === 0 ? -1 : this.#taken.findLastIndex(({ hash }) => hash === line.prev);
    const other = this.#taken[at + 1];
    if (other?.seq !== line.seq || other.prev !== line.prev || other.hash === line.hash) return 0;
    return this.#taken.length - 1 - at;
  }

  /** Whether a line ahead goes on from an earlier one: what was taken since then, and what comes before it, was inserted. */
  #comesBack(): boolean {
    const ahead = this.#ahead;
    const at = ahead.findIndex((line, i) => {
      const next = ahead[i + 1];
      return line.sound && line.seq <= this.#head.seq && next !== undefined && follows(line, next) && this.#forked(line) > 0;
    });
    const line = ahead[at];
    if (!line) return false;
    this.#giveBack(this.#forked(line));
    this.#stray(ahead.splice(0, at));
    this.#take(line);
    ahead.shift();
    return true;
  }

  #giveBack(count: number): void {
    const inserted = this.#taken.splice(-count);
    if (this.#keptLine && inserted.includes(this.#keptLine)) this.#keptLine = null;
    this.#stray(inserted);
  }

  #take(line: PlacedLine): void {
    this.#head = { seq: line.seq, hash: line.hash };
    this.#taken.push(line);
    if (this.#taken.length > 2 * REACH) this.#taken = this.#taken.slice(-REACH);
    if (line.seq === this.#kept?.seq) this.#keptLine = line;
  }

  #stray(lines: PlacedLine[]): void {
    const room = MAX_STRAYS - this.#strays.length;
    this.#strays.push(...lines.slice(0, room));
    this.#straysUncounted += Math.max(0, lines.length - room);
  }
}
