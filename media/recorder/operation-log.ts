import type { Journal } from '../recordings/journal.ts';
import type { ChainHead } from '../recordings/chain.ts';
import type { OperationLine } from '../recordings/lines.ts';
import type { Signer } from '../recordings/signer.ts';

/** How long lines gather before one signature covers them. */
const GATHER_MS = 200;

/** The operation's journal with its signatures: heads are signed shortly after each segment boundary, and at the end. */
export class OperationLog {
  readonly #journal: Journal<OperationLine>;
  readonly #signer: Signer;
  readonly #failed: (error: unknown) => void;
  #signing: NodeJS.Timeout | null = null;
  #pending: Promise<unknown> = Promise.resolve();

  constructor(journal: Journal<OperationLine>, signer: Signer, failed: (error: unknown) => void) {
    this.#journal = journal;
    this.#signer = signer;
    this.#failed = failed;
  }

  /** Resolves when the line is on the disk. */
  append(line: OperationLine): Promise<ChainHead> {
    const done = this.#journal.append(line);
    this.#pending = Promise.allSettled([this.#pending, done]);
    return done;
  }

  /** Append without waiting; a failure is told to the owner. */
  note(line: OperationLine): void {
    this.append(line).catch(this.#failed);
  }

  /** Sign what has been written, soon. */
  signSoon(): void {
    this.#signing ??= setTimeout(() => {
      this.#signing = null;
      this.#sign(false).catch(this.#failed);
    }, GATHER_MS);
  }

  /** Sign and close. `final`: the operation has ended, nothing may follow. */
  async close(final: boolean): Promise<void> {
    if (this.#signing) clearTimeout(this.#signing);
    await this.#pending;
    await this.#sign(final);
    await this.#journal.close();
  }

  async #sign(final: boolean): Promise<void> {
    const { seq, hash } = this.#journal.head;
    await this.#journal.append({ type: 'signature', headSeq: seq, headHash: hash, signature: this.#signer.sign(hash), final });
  }
}
