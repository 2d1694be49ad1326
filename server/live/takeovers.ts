import { randomBytes } from 'node:crypto';
import { HubError } from '../../media/errors.ts';
import type { Takeover, TakeoverDecision } from '../../media/protocol/takeover.ts';

/** So long a commander has: a phone that waits films nothing. */
export const ANSWER_MS = 15_000;
/** Who was given an angle comes at once, or lets it be. */
const PERMIT_MS = 30_000;
/** What filmed it may be an encoder that comes again by itself: the angle is kept for so long for whom it was given to. */
const KEPT_MS = 10_000;

export type Asking = { operationId: string; angleId: string; sessionHash: string; device: string; from: string };
type Pending = { asking: Asking; takeover: Takeover; timer: NodeJS.Timeout };

/** Devices that ask for an angle which another one films, until a commander has said yes or no, or nobody has said anything. */
export class Takeovers {
  readonly #pending = new Map<string, Pending>();
  /** Until when a device may take an angle, by both. */
  readonly #permits = new Map<string, number>();
  /** Angles that have just been given away. */
  readonly #kept = new Map<string, { sessionHash: string; untilMs: number }>();
  readonly #changed: (operationId: string) => void;
  readonly #decided: (asking: Asking, takeover: Takeover, decision: TakeoverDecision) => void;
  readonly #nowMs: () => number;

  constructor(owner: {
    nowMs: () => number;
    changed: (operationId: string) => void;
    decided: (asking: Asking, takeover: Takeover, decision: TakeoverDecision) => void;
  }) {
    this.#nowMs = owner.nowMs;
    this.#changed = owner.changed;
    this.#decided = owner.decided;
  }

  of(operationId: string): Takeover[] {
    return [...this.#pending.values()].filter(({ asking }) => asking.operationId === operationId).map(({ takeover }) => takeover);
  }

  /** Asked again, nothing changes. */
  ask(asking: Asking): Takeover {
    const present = this.#find(asking.sessionHash, asking.angleId);
    if (present) return present.takeover;
    const { angleId, device, from } = asking;
    const askedMs = this.#nowMs();
    const takeover = { requestId: randomBytes(8).toString('hex'), angleId, device, from, askedMs, untilMs: askedMs + ANSWER_MS };
    const timer = setTimeout(() => this.#end(takeover.requestId, 'unanswered'), ANSWER_MS);
    this.#pending.set(takeover.requestId, { asking, takeover, timer });
    this.#changed(asking.operationId);
    return takeover;
  }

  /** Who asks for what. Throws `not_found` when it is over already. */
  asked(operationId: string, requestId: string): Asking {
    const asking = this.#pending.get(requestId)?.asking;
    if (asking?.operationId !== operationId) throw new HubError('not_found', 'nobody asks for this any more', { field: 'requestId' });
    return asking;
  }

  /** Throws `not_found` when it is over already. */
  answer(operationId: string, requestId: string, agree: boolean): void {
    const { sessionHash, angleId } = this.asked(operationId, requestId);
    if (agree) this.#permits.set(permitKey(sessionHash, angleId), this.#nowMs() + PERMIT_MS);
    this.#end(requestId, agree ? 'agreed' : 'refused');
  }

  /** Who asked has gone, or films elsewhere. */
  withdraw(sessionHash: string): void {
    for (const [requestId, { asking }] of this.#pending) if (asking.sessionHash === sessionHash) this.#end(requestId, 'withdrawn');
  }

  /** Whether a commander has given this angle to this device; once only. */
  redeem(sessionHash: string, angleId: string): boolean {
    const key = permitKey(sessionHash, angleId);
    const untilMs = this.#permits.get(key) ?? 0;
    this.#permits.delete(key);
    if (untilMs <= this.#nowMs()) return false;
    this.#kept.set(angleId, { sessionHash, untilMs: this.#nowMs() + KEPT_MS });
    return true;
  }

  /** Whether an angle has just been given to another device than this one. */
  keptFromOthers(sessionHash: string, angleId: string): boolean {
    const kept = this.#kept.get(angleId);
    return kept !== undefined && kept.sessionHash !== sessionHash && kept.untilMs > this.#nowMs();
  }

  close(): void {
    for (const { timer } of this.#pending.values()) clearTimeout(timer);
    this.#pending.clear();
  }

  #find(sessionHash: string, angleId: string): Pending | undefined {
    return [...this.#pending.values()].find(({ asking }) => asking.sessionHash === sessionHash && asking.angleId === angleId);
  }

  #end(requestId: string, decision: TakeoverDecision): void {
    const pending = this.#pending.get(requestId);
    if (!pending) return;
    clearTimeout(pending.timer);
    this.#pending.delete(requestId);
    this.#decided(pending.asking, pending.takeover, decision);
    this.#changed(pending.asking.operationId);
  }
}

const permitKey = (sessionHash: string, angleId: string): string => `${sessionHash} ${angleId}`;
