import { HubError, messageOf } from '../../media/errors.ts';
import type { ChainHead } from '../../media/recordings/chain.ts';
import { findings, type LogProblem } from './findings.ts';
import { isSigned, SignedHead } from './heads.ts';
import { type Disorder, LineOrder } from './line-order.ts';
import { type PlacedLine, placeLine, rawLines } from './read-log.ts';

export type LogReport = {
  ok: boolean;
  lines: number;
  /** After the last line that belongs to the chain. */
  head: ChainHead;
  /** Up to here the lines are covered by a signature, of a head line or of the kept head; −1: none is. */
  signedSeq: number;
  /** The last head line of the chain; −1: there is none. */
  headLineSeq: number;
  problems: LogProblem[];
  /** Up to the end of the last whole line; what follows is torn. */
  wholeBytes: number;
  tornBytes: number;
};

/**
 * Check a custody log by reading all of it, in bounded memory and without its hub. What was changed, removed, inserted or
 * moved is named, each deed once; with a kept head also what was cut off at the end or written anew up to there.
 * Throws `not_found` or `internal` when the file cannot be read.
 */
export async function verifyLog(path: string, kept: SignedHead | null = null): Promise<LogReport> {
  const order = new LineOrder(kept);
  const signatures = new Signatures(kept);
  let lines = 0;
  let wholeBytes = 0;
  let tornBytes = 0;
  try {
    for await (const raws of rawLines(path))
      for (const raw of raws) {
        if (!raw.whole) {
          tornBytes = raw.endBytes - wholeBytes;
          continue;
        }
        lines += 1;
        wholeBytes = raw.endBytes;
        const placed = placeLine(raw, lines);
        if (placed.sound) signatures.check(placed);
        order.push(placed);
      }
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new HubError(missing ? 'not_found' : 'internal', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const disorder = order.end();
  const problems = findings(disorder, lines, kept);
  const rewritten = kept ? otherThanKept(disorder, kept, signatures.lastGood) : null;
  if (rewritten && !problems.some(({ line }) => line === rewritten.line)) problems.push(rewritten);
  const told = new Set(problems.flatMap(({ line, count }) => Array.from({ length: Math.min(count, 1000) }, (_, i) => line + i)));
  problems.push(...signatures.problems.filter(({ line }) => !told.has(line)));
  const cut = problems.some(({ kind }) => kind === 'cut');
  if (tornBytes > 0 && !cut)
    problems.push({ line: lines + 1, count: 1, kind: 'torn', message: `the last line is torn: ${tornBytes} bytes without an end` });
  problems.sort((a, b) => a.line - b.line);
  const { head, keptLine } = disorder;
  const signedSeq = Math.max(signatures.lastGood, kept && keptLine?.hash === kept.hash && isSigned(kept) ? kept.seq : -1);
  return { ok: problems.length === 0, lines, head, signedSeq, headLineSeq: signatures.lastSeq, problems, wholeBytes, tornBytes };
}

/** A chain that is right in itself, and not the one whose head was kept. */
function otherThanKept({ keptLine }: Disorder, kept: SignedHead, lastGood: number): LogProblem | null {
  if (!keptLine || keptLine.hash === kept.hash) return null;
  const since = lastGood >= 0 && lastGood < kept.seq ? `, after number ${lastGood}, which is signed` : '';
  const message = `number ${kept.seq} is not the line whose head was kept: it, or one before it${since}, was changed and the log written anew from there`;
  return { line: keptLine.line, count: 1, kind: 'changed', message };
}

/** The signatures of head lines: with the key of the kept head, or the first that the log names. */
class Signatures {
  readonly problems: LogProblem[] = [];
  /** Number of the last line that a good signature covers. */
  lastGood = -1;
  /** Number of the last head line. */
  lastSeq = -1;
  #key: string | null;
  #bad: LogProblem | null = null;

  constructor(kept: SignedHead | null) {
    this.#key = kept?.publicKey ?? null;
    if (kept && !isSigned(kept))
      this.problems.push({ line: 0, count: 1, kind: 'signature', message: 'the kept head is not signed by the key that it names' });
  }

  check({ line, seq, prev, value }: PlacedLine): void {
    if (value['type'] !== 'log.opened' && value['type'] !== 'head') return;
    const publicKey = String(value['publicKey']);
    if (this.#key !== null && this.#key !== publicKey)
      this.problems.push({ line, count: 1, kind: 'signature', message: `from number ${seq} on the log has another key` });
    this.#key = publicKey;
    if (value['type'] !== 'head') return;
    this.lastSeq = seq;
    const head = SignedHead.safeParse({ ...value, seq: value['headSeq'], hash: value['headHash'] });
    if (head.success && head.data.seq === seq - 1 && head.data.hash === prev && isSigned(head.data)) {
      this.lastGood = seq - 1;
      this.#bad = null;
    } else if (this.#bad) this.#bad.count += 1;
    else {
      this.#bad = {
        line,
        count: 1,
        kind: 'signature',
        message: `number ${seq} does not sign the line before it: that was not written by the hub`,
      };
      this.problems.push(this.#bad);
    }
  }
}
