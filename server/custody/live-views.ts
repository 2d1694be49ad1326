import type { MediaEvent } from '../../media/protocol/events.ts';
import type { Who } from './lines.ts';
import type { CustodyLog } from './log.ts';

/** One page of a console, or one player, by the media plane's name for it. */
export type Viewer = { peerId: string; who: Who; operationId: string };
/** `consumers`: what of the angle is sent; the angle is watched for as long as one of them is there. `asked`: sendings under way. */
type Watched = { sinceMs: number; consumers: Set<string>; asked: number };
type Watching = { viewer: Viewer; angles: Map<string, Watched> };

/** Who watches which angle live: a line before its first packet is sent, and one when it is sent no more. */
export class LiveViews {
  readonly #log: Pick<CustodyLog, 'record' | 'note' | 'requireWritable'>;
  readonly #nowMs: () => number;
  readonly #watching = new Map<string, Watching>();
  readonly #begun = new Map<string, Promise<unknown>>();

  constructor(log: Pick<CustodyLog, 'record' | 'note' | 'requireWritable'>, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /**
   * Send an angle once the line stands; watched already, it has its line. `consumersOf`: by which it ends, where it has any of its
   * own; otherwise it ends with the viewer. Throws `unavailable` while the log cannot be written, and what `send` throws.
   */
  async watch<T>(viewer: Viewer, angleId: string, send: () => Promise<T>, consumersOf: (sent: T) => string[] = () => []): Promise<T> {
    const watched = await this.#begin(viewer, angleId);
    try {
      const sent = await send();
      watched.asked -= 1;
      for (const consumerId of consumersOf(sent)) watched.consumers.add(consumerId);
      return sent;
    } catch (error) {
      watched.asked -= 1;
      if (watched.asked === 0 && watched.consumers.size === 0 && this.#of(viewer.peerId, angleId) === watched)
        this.#endAngle(viewer.peerId, angleId);
      throw error;
    }
  }

  /** The page, or the player, has gone: whatever it watched. */
  end(peerId: string): void {
    const watching = this.#watching.get(peerId);
    for (const angleId of watching?.angles.keys() ?? []) this.#endAngle(peerId, angleId);
  }

  consumerClosed(peerId: string, consumerId: string): void {
    for (const [angleId, { consumers }] of this.#watching.get(peerId)?.angles ?? [])
      if (consumers.delete(consumerId) && consumers.size === 0) this.#endAngle(peerId, angleId);
  }

  /** What the media plane tells of pictures that are sent no more. */
  heard(event: MediaEvent): void {
    if (event.type === 'peer.closed') this.end(event.peerId);
    else if (event.type === 'consumer.closed') this.consumerClosed(event.peerId, event.consumerId);
  }

  /** Nobody watches any more: the hub stops, or all have to begin anew. */
  endAll(): void {
    for (const peerId of this.#watching.keys()) this.end(peerId);
  }

  async #begin(viewer: Viewer, angleId: string): Promise<Watched> {
    const { peerId, who, operationId } = viewer;
    const key = `${peerId} ${angleId}`;
    if (this.#of(peerId, angleId)) this.#log.requireWritable();
    else {
      // two may be asked for at once; both wait for the one line
      const begun = this.#begun.get(key) ?? this.#log.record({ what: 'view.live', who, operationId, angleId, detail: { begins: true } });
      this.#begun.set(key, begun);
      await begun.finally(() => this.#begun.delete(key));
    }
    const watching = this.#watching.get(peerId) ?? { viewer, angles: new Map<string, Watched>() };
    this.#watching.set(peerId, watching);
    const watched = watching.angles.get(angleId) ?? { sinceMs: Math.round(this.#nowMs()), consumers: new Set<string>(), asked: 0 };
    watching.angles.set(angleId, watched);
    watched.asked += 1;
    return watched;
  }

  #of(peerId: string, angleId: string): Watched | undefined {
    return this.#watching.get(peerId)?.angles.get(angleId);
  }

  #endAngle(peerId: string, angleId: string): void {
    const watching = this.#watching.get(peerId);
    const watched = watching?.angles.get(angleId);
    if (!watching || !watched) return;
    watching.angles.delete(angleId);
    if (watching.angles.size === 0) this.#watching.delete(peerId);
    const { who, operationId } = watching.viewer;
    const detail = { begins: false, sinceMs: watched.sinceMs, untilMs: Math.round(this.#nowMs()) };
    this.#log.note({ what: 'view.live', who, operationId, angleId, detail });
  }
}
