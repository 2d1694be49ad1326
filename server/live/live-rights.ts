import { messageOf } from '../../media/errors.ts';
import type { Context } from '../context.ts';
import { type Actor, decide } from '../permission/decide.ts';
import { operationBounds } from '../store/operation-bounds.ts';
import { actorOfTokenId } from '../store/access-tokens.ts';
import { actorOfSession } from '../store/person-sessions.ts';

/** What changes without a word, a session that grows old say, is seen so much later at most. */
const LOOK_MS = 10_000;
const MARK = 'viewer ';

/** Owner, in the media plane, of the peers that a person watches by: `key` is the session's hash or the access token's id. */
export const viewerOwner = (key: string): string => `${MARK}${key}`;

/** Who a key of `viewerOwner` is now; a look at what he may is no use of his session. Null when it opens nothing any more. */
export const actorOfKey = async ({ store, hub }: Pick<Context, 'store' | 'hub'>, key: string): Promise<Actor | null> =>
  (await actorOfSession(store, key, hub.nowMs(), { seen: false })) ?? (await actorOfTokenId(store, key, hub.nowMs()));

/**
 * Live pictures end with the right to them, whoever shows them: when a session or token is over, a role is taken, an
 * operation becomes another squad's or more confidential. What is open is asked of the media plane, so that nothing is
 * forgotten when the control plane starts anew.
 */
export class LiveRights {
  readonly #context: Pick<Context, 'store' | 'hub' | 'log'>;
  readonly #timer: ReturnType<typeof setInterval>;
  #state: 'idle' | 'looking' = 'idle';
  #again = false;

  constructor(context: Pick<Context, 'store' | 'hub' | 'log'>) {
    this.#context = context;
    const { hub } = context;
    hub.on('signedOut', (keys) => void Promise.all(keys.map((key) => this.#close(viewerOwner(key)))));
    hub.on('rights', () => this.#look());
    hub.on('synced', () => this.#look());
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    this.#again = true;
    if (this.#state === 'looking') return;
    this.#state = 'looking';
    void this.#lookAll().finally(() => {
      this.#state = 'idle';
    });
  }

  async #lookAll(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      try {
        const { owners } = await this.#context.hub.media.request('owners', {});
        for (const { operationId, owner } of owners) {
          if (owner.startsWith(MARK) && !(await this.#mayWatch(owner.slice(MARK.length), operationId)))
            await this.#close(owner, operationId);
        }
      } catch (error) {
        this.#context.log.debug({ reason: messageOf(error) }, 'rights of viewers not looked at'); // again soon
      }
    }
  }

  async #mayWatch(key: string, operationId: string): Promise<boolean> {
    const rule = { by: 'permission', permission: 'live.watch', of: 'operation' } as const;
    return decide(rule, await actorOfKey(this.#context, key), await operationBounds(this.#context.store, operationId)) === 'allowed';
  }

  /** In one operation, or all. */
  async #close(owner: string, operationId?: string): Promise<void> {
    const { hub, log } = this.#context;
    await hub.media
      .request('closeOwned', { owner, ...(operationId === undefined ? {} : { operationId }) })
      .catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'live pictures whose right is gone were not closed'));
  }
}
