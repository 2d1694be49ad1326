import { messageOf } from '../../media/errors.ts';
import type { Context } from '../context.ts';
import { THE_HUB } from '../custody/lines.ts';
import { whoIs } from '../http/permit.ts';
import { type Actor, decide } from '../permission/decide.ts';
import { operationBounds } from '../store/operation-bounds.ts';
import { actorOfTokenId } from '../store/access-tokens.ts';
import { actorOfSession } from '../store/person-sessions.ts';

/** What changes without a word, a session that grows old say, is seen so much later at most. */
const LOOK_MS = 10_000;
/** The process that stops has some seconds for everything. */
const STOP_MS = 1500;
const MARK = 'viewer ';
const keyOf = (owner: string): string => owner.slice(MARK.length);

/** Owner, in the media plane, of the peers that a person watches by: `key` is the session's hash or the access token's id. */
export const viewerOwner = (key: string): string => `${MARK}${key}`;

/** Who a key of `viewerOwner` is now; a look at what he may is no use of his session. Null when it opens nothing any more. */
export const actorOfKey = async ({ store, hub }: Pick<Context, 'store' | 'hub'>, key: string): Promise<Actor | null> =>
  (await actorOfSession(store, key, hub.nowMs(), { seen: false })) ?? (await actorOfTokenId(store, key, hub.nowMs()));

/**
 * Live pictures end with the right to them, whoever shows them: when a session or token is over, a role is taken, an
 * operation becomes another squad's or more confidential. What is open is asked of the media plane, so that nothing is
 * forgotten when the control plane starts anew. They end with the control plane, too, for nobody watches without a line in the
 * custody log: pages begin again by themselves, players are to.
 */
export class LiveRights {
  readonly #context: Pick<Context, 'store' | 'hub' | 'log' | 'custody'>;
  readonly #timer: ReturnType<typeof setInterval>;
  #state: 'idle' | 'looking' = 'idle';
  #again = false;
  /** What is open now was begun with lines that this process knows nothing of. */
  #unknown = true;

  constructor(context: Pick<Context, 'store' | 'hub' | 'log' | 'custody'>) {
    this.#context = context;
    const { hub } = context;
    hub.on('signedOut', (keys) => void Promise.all(keys.map((key) => this.#close(viewerOwner(key)))));
    hub.on('rights', () => this.#look());
    hub.on('synced', (anew) => {
      this.#unknown ||= anew;
      this.#look();
    });
    this.#timer = setInterval(() => hub.emit('rights'), LOOK_MS);
    this.#timer.unref();
  }

  /** Nobody is to go on once this process, which would note the end, is gone. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    const viewers = await this.#viewers(STOP_MS).catch(() => []); // the media plane has gone, and all of them with it
    await Promise.all(viewers.map(({ owner, operationId }) => this.#close(owner, operationId, STOP_MS)));
  }

  #look(): void {
    this.#again = true;
    if (this.#state === 'looking') return;
    this.#state = 'looking';
    void this.#lookAll();
  }

  async #lookAll(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      try {
        if (this.#unknown) await this.#closeUnknown();
        for (const { owner, operationId } of await this.#viewers())
          if (!(await this.#mayWatch(keyOf(owner), operationId))) await this.#close(owner, operationId);
      } catch (error) {
        this.#context.log.debug({ reason: messageOf(error) }, 'rights of viewers not looked at'); // again soon
      }
    }
    this.#state = 'idle'; // in the same turn as the last look at `#again`
  }

  /** Whoever began to watch with a line of another process has one of this that it is over. */
  async #closeUnknown(): Promise<void> {
    this.#unknown = false; // it may be so again before this is done
    try {
      for (const { owner, operationId } of await this.#viewers()) {
        if (await this.#close(owner, operationId)) await this.#noteOver(owner, operationId);
        else this.#unknown = true;
      }
    } catch (error) {
      this.#unknown = true;
      throw error;
    }
  }

  async #noteOver(owner: string, operationId: string): Promise<void> {
    const actor = await actorOfKey(this.#context, keyOf(owner));
    const who = actor ? { ...whoIs(actor, ''), address: null } : THE_HUB;
    this.#context.custody.note({ what: 'view.live', who, operationId, detail: { begins: false, why: 'control-restarted' } });
  }

  /** By what rights people watch now, each once an operation. */
  async #viewers(timeoutMs?: number): Promise<{ owner: string; operationId: string }[]> {
    const { owners } = await this.#context.hub.media.request('owners', {}, timeoutMs);
    return owners.filter(({ owner }) => owner.startsWith(MARK));
  }

  async #mayWatch(key: string, operationId: string): Promise<boolean> {
    const rule = { by: 'permission', permission: 'live.watch', of: 'operation' } as const;
    return decide(rule, await actorOfKey(this.#context, key), await operationBounds(this.#context.store, operationId)) === 'allowed';
  }

  /** In one operation, or all. False where that could not be done. */
  async #close(owner: string, operationId?: string, timeoutMs?: number): Promise<boolean> {
    const { hub, log } = this.#context;
    try {
      await hub.media.request('closeOwned', { owner, ...(operationId === undefined ? {} : { operationId }) }, timeoutMs);
      return true;
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'live pictures that are to end were not closed');
      return false;
    }
  }
}
