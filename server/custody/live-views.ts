import type { Who } from './lines.ts';
import type { CustodyLog } from './log.ts';

type Watching = { who: Who; operationId: string; sinceMs: Map<string, number> };

/** Who watches which angle live: a line before its first packet is sent, and one when the console has gone. */
export class LiveViews {
  readonly #log: Pick<CustodyLog, 'record' | 'note'>;
  readonly #nowMs: () => number;
  readonly #watching = new Map<string, Watching>();

  constructor(log: Pick<CustodyLog, 'record' | 'note'>, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** `peerId`: one page of a console. Asked for again, an angle has its line already. Throws `unavailable`. */
  async begin(peerId: string, who: Who, operationId: string, angleId: string): Promise<void> {
    if (this.#watching.get(peerId)?.sinceMs.has(angleId)) return;
    await this.#log.record({ what: 'view.live', who, operationId, angleId, detail: { begins: true } });
    const known = this.#watching.get(peerId) ?? { who, operationId, sinceMs: new Map<string, number>() };
    known.sinceMs.set(angleId, Math.round(this.#nowMs()));
    this.#watching.set(peerId, known);
  }

  end(peerId: string): void {
    const known = this.#watching.get(peerId);
    if (!known) return;
    this.#watching.delete(peerId);
    const { who, operationId } = known;
    const untilMs = Math.round(this.#nowMs());
    for (const [angleId, sinceMs] of known.sinceMs)
      this.#log.note({ what: 'view.live', who, operationId, angleId, detail: { begins: false, sinceMs, untilMs } });
  }
}
