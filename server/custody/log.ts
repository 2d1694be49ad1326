import type { Logger } from 'pino';
import { HubError, messageOf } from '../../media/errors.ts';
import { chainLine, type ChainHead, EMPTY_HEAD } from '../../media/recordings/chain.ts';
import type { Signer } from '../../media/recordings/signer.ts';
import type { LogProblem } from './findings.ts';
import { readHead, type SignedHead, signHead } from './heads.ts';
import { KeptHead } from './kept-head.ts';
import { type CustodyEntry, type CustodyLine, entryData, type LineData } from './lines.ts';
import { headFile, isAsLeft, openLog, type OpenLog } from './open-log.ts';
import { type Batch, LogQueue } from './queue.ts';

const HEAD_EVERY_LINES = 1000;
const HEAD_EVERY_MS = 3_600_000;
const RETRY_MS = 1000;
const MAX_NOTES = 100_000;

export type CustodyLogOptions = {
  signer: Signer;
  /** Hub time. */
  nowMs: () => number;
  log: Logger;
  /** Told of every line that is on the disk, in order. */
  onLine?: (line: CustodyLine) => void;
  /** Told when it has been read, when it cannot be written, and when it can again. */
  onHealth?: (health: LogHealth) => void;
  maxNotes?: number;
};

/** `refusal`: why nothing can be written now; null while it can. `problems`: what is wrong with the log as it was found. */
export type LogHealth = { refusal: string | null; problems: readonly LogProblem[] };

/**
 * The one append-only log of everything that decides or reveals. Lines that come while a write is under way are written
 * together in the next. It is never repaired silently, and goes on whatever was done to its file.
 */
export class CustodyLog {
  readonly #dir: string;
  readonly #options: CustodyLogOptions;
  readonly #queue: LogQueue;
  readonly #keptHead: KeptHead;
  #open: OpenLog | null = null;
  /** After the last line on the disk. */
  #head: ChainHead = EMPTY_HEAD;
  /** Until the file has been read, what is known of it is what `head.json` says. */
  #known: SignedHead | null = null;
  #signed: SignedHead | null = null;
  #signDue = false;
  #running: Promise<void> | null = null;
  #retry: NodeJS.Timeout | null = null;
  readonly #hourly: NodeJS.Timeout;
  #refusal: string | null = null;
  #closing: Promise<void> | null = null;
  #writes = 0;

  private constructor(dir: string, options: CustodyLogOptions) {
    this.#dir = dir;
    this.#options = options;
    this.#queue = new LogQueue(options.maxNotes ?? MAX_NOTES);
    this.#keptHead = new KeptHead(headFile(dir), () => this.signedHead(), options.log);
    this.#hourly = setInterval(() => {
      this.#signDue = true;
      this.#start();
    }, HEAD_EVERY_MS);
    this.#hourly.unref();
  }

  /** Open the log in `dir` (`data/custody`), made when it is not there. A disk that refuses is told by `refusal`, not thrown: capture goes on. */
  static async open(dir: string, options: CustodyLogOptions): Promise<CustodyLog> {
    const log = new CustodyLog(dir, options);
    log.#known = await readHead(headFile(dir)).catch((error: unknown) => {
      options.log.error({ err: error }, 'the kept head of the custody log cannot be read: a log cut at its end would not be seen');
      return null;
    });
    log.#start(true);
    await log.#running;
    return log;
  }

  /** Resolves when the line is on the disk. Throws `unavailable` with field `custodyLog` when it could not be written: then nothing of it is. */
  async record(entry: CustodyEntry): Promise<ChainHead> {
    if (this.#closing) throw refused('it is closed');
    const { nowMs } = this.#options;
    const data = entryData(entry, nowMs());
    return new Promise((done, failed) => {
      this.#queue.push({ data, settle: { done, failed } }, nowMs());
      this.#start();
    });
  }

  /** For what must not wait: written as soon as the disk takes it, and marked late where that was not at once. */
  note(entry: CustodyEntry): void {
    const { nowMs, log } = this.#options;
    if (this.#closing) return log.error({ what: entry.what }, 'the custody log is closed: an entry is lost');
    const late = entry.late === true || this.#refusal !== null;
    this.#queue.push({ data: entryData({ ...entry, late }, nowMs()), settle: null }, nowMs());
    if (!this.#retry) this.#start();
  }

  /** For what needs no line of its own and would have one at its end. Throws as `record` while nothing can be written. */
  requireWritable(): void {
    if (this.#closing) throw refused('it is closed');
    if (this.#refusal !== null) throw refused(this.#refusal);
  }

  /** The last line on the disk, signed. */
  signedHead(): SignedHead {
    const { signer, nowMs } = this.#options;
    if (this.#signed?.hash !== this.#head.hash) this.#signed = signHead(signer, this.#head, nowMs());
    return this.#signed ?? signHead(signer, this.#head, nowMs());
  }

  /** Why nothing can be written now; null while it can. */
  get refusal(): string | null {
    return this.#refusal;
  }
  /** What is wrong with the log as it was found. */
  get problems(): readonly LogProblem[] {
    return this.#open?.problems ?? [];
  }
  get figures(): { seq: number; writes: number; waiting: number; dropped: number } {
    return { seq: this.#head.seq, writes: this.#writes, waiting: this.#queue.length, dropped: this.#queue.dropped };
  }

  /** Writes what waits, once; signs the end. What the disk does not take even now is told in the hub's log. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      clearInterval(this.#hourly);
      await this.#running;
      this.#stopRetry();
      this.#signDue = true;
      this.#start();
      await this.#running;
      if (this.#queue.length > 0) this.#options.log.error({ entries: this.#queue.length }, 'the custody log is closed: entries are lost');
      if (this.#open) await this.#keptHead.close();
      await this.#open?.file.close();
    })();
    return this.#closing;
  }

  #start(opening = false): void {
    this.#running ??= this.#run(opening);
  }

  async #run(opening: boolean): Promise<void> {
    await Promise.resolve(); // let the lines of this turn gather
    try {
      if (opening) await this.#ensureOpen();
      while (this.#due) await this.#write();
      this.#signDue = false;
    } catch (error) {
      this.#refuse(error);
    }
    this.#running = null; // in the same turn as the last look at what waits
  }

  /** A disk that refused is tried again though nothing waits: a signed head shows that it takes lines again. */
  get #due(): boolean {
    const { length, dropped } = this.#queue;
    return length > 0 || dropped > 0 || this.#refusal !== null || (this.#signDue && (this.#open?.unsigned ?? 0) > 0);
  }

  async #write(): Promise<void> {
    const open = await this.#ensureOpen();
    const { nowMs } = this.#options;
    const batch = this.#queue.batch(this.#head, Math.max(1, HEAD_EVERY_LINES - open.unsigned), nowMs());
    const unsigned = open.unsigned + batch.texts.length;
    const all = batch.taken.length === this.#queue.length;
    const sign = unsigned >= HEAD_EVERY_LINES || (all && (this.#signDue || this.#refusal !== null));
    if (sign) this.#sign(batch);
    await this.#put(open, Buffer.from(`${batch.texts.join('\n')}\n`));
    this.#head = batch.head;
    open.unsigned = sign ? 0 : unsigned;
    if (sign) this.#signDue = false;
    this.#queue.written(batch);
    if (this.#refusal !== null) {
      this.#options.log.info({ seq: this.#head.seq }, 'the custody log is written again');
      this.#refusal = null;
      this.#tellHealth();
    }
    this.#stopRetry();
    for (const { pending, head } of batch.taken) pending.settle?.done(head);
    this.#tell(batch);
    this.#keptHead.touch();
  }

  #sign(batch: Batch): void {
    const { seq: headSeq, hash: headHash, ...signature } = signHead(this.#options.signer, batch.head, this.#options.nowMs());
    const line: LineData = { type: 'head', headSeq, headHash, ...signature };
    const { text, head } = chainLine(batch.head, line);
    batch.texts.push(text);
    batch.head = head;
  }

  async #put(open: OpenLog, bytes: Buffer): Promise<void> {
    try {
      const { bytesWritten } = await open.file.write(bytes);
      if (bytesWritten !== bytes.length) throw new Error(`only ${bytesWritten} of ${bytes.length} bytes were written`);
    } catch (error) {
      await open.file.truncate(open.sizeBytes).catch(() => this.#lose(open)); // then it is read again, and what is torn put aside
      throw error;
    }
    open.sizeBytes += bytes.length;
    this.#writes += 1;
  }

  /** The file as it was left; read again from its begin where somebody was at it, and after a write that could not be undone. */
  async #ensureOpen(): Promise<OpenLog> {
    const { log, signer, nowMs } = this.#options;
    if (this.#open && (await isAsLeft(this.#dir, this.#open))) return this.#open;
    if (this.#open) {
      log.error({ dir: this.#dir }, "somebody changed the custody log's file while it was written");
      await this.#lose(this.#open);
    }
    // a head of another key may be anybody's
    const open = await openLog(this.#dir, this.#known?.publicKey === signer.publicKey ? this.#known : null);
    for (const { line, kind, message } of open.problems.slice(0, 10)) log.error({ line, kind }, `custody log: ${message}`);
    this.#open = open;
    this.#head = open.head;
    this.#queue.pushFirst({ type: 'log.opened', atMs: Math.round(nowMs()), publicKey: signer.publicKey, ...open.found });
    if (this.#refusal === null) this.#tellHealth(); // else with the next line that is written
    return open;
  }

  /** Its file is not what it should be. What is known to have been written must be there when it is read again. */
  async #lose(open: OpenLog): Promise<void> {
    this.#known = this.signedHead();
    this.#open = null;
    await open.file.close().catch((error: unknown) => this.#options.log.warn({ err: error }, 'the custody log cannot be closed'));
  }

  #refuse(error: unknown): void {
    const before = this.#refusal;
    this.#refusal = messageOf(error);
    if (before === null) {
      this.#options.log.error({ err: error }, 'the custody log cannot be written: what must be in it is refused');
      this.#tellHealth();
    }
    this.#queue.refused(refused(this.#refusal, error));
    if (this.#closing) return;
    this.#stopRetry();
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#start();
    }, RETRY_MS);
    this.#retry.unref();
  }

  #tellHealth(): void {
    try {
      this.#options.onHealth?.({ refusal: this.#refusal, problems: this.problems });
    } catch (error) {
      this.#options.log.error({ err: error }, "a listener of the custody log's health failed");
    }
  }

  #stopRetry(): void {
    if (this.#retry) clearTimeout(this.#retry);
    this.#retry = null;
  }

  #tell({ texts }: Batch): void {
    const { onLine, log } = this.#options;
    if (!onLine) return;
    for (const text of texts)
      try {
        onLine(JSON.parse(text) as CustodyLine);
      } catch (error) {
        log.error({ err: error }, 'a listener of the custody log failed');
      }
  }
}

function refused(why: string, cause?: unknown): HubError {
  return new HubError('unavailable', `the custody log cannot be written: ${why}`, { field: 'custodyLog', cause });
}
